// The moments from which a source counts: when it is opened, and when its producer has a claim (G3).

import { epochOf } from "../../src/lib/position.ts";
import type { Participant } from "./participant.ts";
import { Run, type SourceScript } from "./run.ts";
import type { Win, World } from "./world.ts";

export interface Started {
  script: SourceScript;
  /** The call claims at the same time, and `ranBeside` tells what came of it. */
  isBesideClaim: boolean;
}

/** `makeStream` was called: it takes a claim of its process, or an outage that excuses it. */
export function startRun(
  world: World,
  participant: Participant,
  streamId: string,
  { script, isBesideClaim }: Started,
): Run {
  const { machine } = participant;
  const number = world.runs.length;
  const run = new Run({
    number,
    streamId,
    machine,
    script,
    startedAt: world.now,
    now: () => world.now,
    producerEndedAt: () => participant.endedAt,
    log: (line) => world.log(line),
  });
  world.runs.push(run);
  if (world.isHealed) run.heal();
  const win = world.wins.find(
    (each) => each.participant === participant && each.streamId === streamId && each.isGranted && !each.run,
  );
  const how = isBesideClaim ? ", beside its claim" : win ? "" : ", without a claim";
  world.log(`${machine.name} runs makeStream of ${streamId}: run ${number}${how}`);
  if (isBesideClaim) run.wasAlone = true;
  else bind(world, { participant, run, win });
  return run;
}

/** The call has returned whose source was opened beside its claim. */
export function ranBeside(
  world: World,
  participant: Participant,
  { mark, run }: { mark: string | undefined; run: Run },
): void {
  const epoch = mark === undefined ? undefined : epochOf(mark);
  const win = epoch === undefined ? undefined : world.winUnder(run.streamId, epoch);
  run.startedAt = world.now;
  bind(world, { participant, run, win });
}

function bind(
  world: World,
  { participant, run, win }: { participant: Participant; run: Run; win: Win | undefined },
): void {
  run.wasAlone = !win;
  if (win) win.run = run;
  else if (participant.unavailableAt !== world.now || world.isCalm(participant)) {
    world.violate("G3", `${participant.machine.name} ran ${run.streamId} and had no claim`);
  }
}
