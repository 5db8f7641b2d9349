import type { Asked } from "./judge.ts";
import type { Participant } from "./participant.ts";
import type { World } from "./world.ts";

/** What living processes still wait for (G7); empty where nothing is left. */
export function unsettled(world: World, asked: ReadonlySet<Asked>): string {
  const isAlive = ({ machine }: Participant): boolean => machine.state !== "dead";
  const calls = [...asked].filter(({ participant }) => isAlive(participant)).map(({ what }) => what);
  const readings = world.readings
    .filter(({ end, options }) => end === undefined && isAlive(options.participant))
    .map(({ options }) => options.name);
  const processes = world.everybody
    .filter(isAlive)
    .flatMap(({ machine, waits }) => [
      ...(waits > 0 ? [`${waits} promises of ${machine.name}`] : []),
      ...(machine.timers > 0 ? [`${machine.timers} timers of ${machine.name}`] : []),
    ]);
  return [...calls, ...readings, ...processes].join(", ");
}
