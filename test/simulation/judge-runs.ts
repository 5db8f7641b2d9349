// What is judged of sources by themselves: their original readers, and who stopped them.

import type { World } from "./world.ts";

/** An original reader that takes everything has everything, after every step but within a burst (G2). */
export function judgePrimaries(world: World): void {
  for (const reading of world.primaries) {
    const { name, primaryOf } = reading.options;
    if (!primaryOf || reading.end !== undefined) continue;
    if (primaryOf.machine.state !== "running" || primaryOf.machine.turns > 0) continue;
    if (reading.length === primaryOf.text.length) continue;
    world.violate("G2", `${name} has ${reading.length} of ${primaryOf.text.length} characters of its source`);
  }
}

/** A producer is told that it is superseded if another has claimed its stream since (G6). */
export function judgeFenced(world: World): void {
  for (const run of world.runs) {
    if (run.end !== "fenced") continue;
    const wins = world.winsLike(run);
    if (wins.length === 0 || wins.some((win) => world.isFollowedBy(win))) continue;
    // Whoever found its producer dead has told the app that it is lost: nothing it writes counts any more.
    if (world.handOvers.wasLost(run)) continue;
    // Who was silent for too long was found dead, and is told so before its id is free.
    if (!world.backend.keepsText && !world.isCalm(world.ownerOf(run))) continue;
    // A fail-over may leave the record of a claim that is older than the one this one superseded.
    if (world.losses.failOvers.length > 0) continue;
    world.violate("G6", `run ${run.number} is fenced, and nobody has claimed ${run.streamId} since`);
  }
}

/** A stop that was meant for one answer stops no other (G14). */
export function judgeStops(world: World): void {
  for (const run of world.runs) {
    if (run.end !== "stopped") continue;
    const epochs = world.winsLike(run).map(({ epoch }) => epoch);
    // Opened beside a claim that its context, which closed, never had: it is cancelled, and nobody was given it.
    if (run.wasAlone && epochs.length === 0 && world.ownerOf(run)?.isClosing) continue;
    const isMeant = world.stops.some(
      ({ epoch, streamId }) => streamId === run.streamId && (epoch === undefined || epochs.includes(epoch)),
    );
    if (!isMeant) world.violate("G14", `a stop that was meant for another stopped run ${run.number}`);
  }
}
