// What the command exits with. docs/cli.md lists them; they are API.

export const EXIT = {
  done: 0,
  failed: 1,
  /** Called wrongly: the message says how. */
  usage: 2,
  /** There is no such stream, or nothing of it to give. */
  absent: 3,
  /** `tail` gave what there was, and the stream's end wasn't a good one. */
  endedBadly: 4,
  /** Interrupted by the user, as shells number it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
