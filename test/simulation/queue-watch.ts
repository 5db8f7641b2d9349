import type { FollowerState, stepFollower } from "../../src/engine/follower-state.ts";

/** The same decisions, with a count of their own of what each follower holds for its reader (G9). */
export function watchQueue(
  step: typeof stepFollower,
  { maxQueuedUnits, onQueueTooLong }: { maxQueuedUnits: number; onQueueTooLong: (units: number) => void },
): typeof stepFollower {
  const held = new WeakMap<FollowerState, number>();
  return (state, event) => {
    const next = step(state, event);
    let units = held.get(state) ?? 0;
    if (event.type === "taken") units -= event.units;
    for (const effect of next.effects) if (effect.type === "deliver") units += effect.text.length;
    held.set(next.state, units);
    if (units > maxQueuedUnits) onQueueTooLong(units);
    return next;
  };
}
