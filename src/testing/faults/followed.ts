// A stream that is followed, before something happens to it.

import { freshId } from "../contract.ts";
import { manualSource, type ManualSource } from "../manual-source.ts";
import type { FaultyProcess, FaultyWorld } from "../processes.ts";
import { read, type Reading } from "../reading.ts";

/** A stream of one process with a follower in another, where both have come to its first 7 characters. */
export async function openFollowed(world: FaultyWorld): Promise<Followed> {
  const [first, second] = [await world.createProcess(), await world.createProcess()];
  const id = freshId();
  const source = manualSource();
  const primary = read(await first.context.createNewResumableStream(id, source.makeStream));
  const follower = read(await second.context.resumeExistingStream(id));
  source.push("before ");
  await Promise.all([primary.reached(7), follower.reached(7)]);
  return { first, second, id, source, primary, follower };
}

interface Followed {
  first: FaultyProcess;
  second: FaultyProcess;
  id: string;
  source: ManualSource;
  primary: Reading;
  follower: Reading;
}
