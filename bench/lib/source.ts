// Sources that follow from a description, so that they can be named to another process.

export type SourceSpec =
  /** Chunks as fast as they are asked for. */
  | { kind: "burst"; chunks: number; chunkLength: number }
  /** Each chunk is the time it was made at; one every so often. */
  | { kind: "stamped"; chunks: number; everyMs: number };

export const STAMP_LENGTH = 16;

/** Microseconds on a clock that all processes of a machine share. */
export function nowMicros(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

export function unitsOf(spec: SourceSpec): number {
  return spec.chunks * (spec.kind === "burst" ? spec.chunkLength : STAMP_LENGTH);
}

/** Waits for `gate` before its first chunk: followers attach while it does. */
export function openSource(
  spec: SourceSpec,
  gate: Promise<void> = Promise.resolve(),
): ReadableStream<string> {
  return spec.kind === "burst" ? burst(spec, gate) : stamped(spec, gate);
}

function burst(spec: { chunks: number; chunkLength: number }, gate: Promise<void>): ReadableStream<string> {
  // Made before the clock runs: the source's own work is not what is measured.
  const texts = Array.from({ length: 1000 }, (_, index) =>
    String(index).padStart(spec.chunkLength, "token "),
  );
  let given = 0;
  return new ReadableStream<string>({
    start: () => gate,
    pull(controller) {
      if (given === spec.chunks) return controller.close();
      controller.enqueue(texts[given % 1000] ?? "");
      given += 1;
    },
  });
}

function stamped(spec: { chunks: number; everyMs: number }, gate: Promise<void>): ReadableStream<string> {
  let timer: NodeJS.Timeout | undefined;
  return new ReadableStream<string>({
    async start(controller) {
      // Not awaited by the stream: what is given below must reach readers while the timer runs.
      void gate.then(() => {
        let given = 0;
        timer = setInterval(() => {
          controller.enqueue(String(nowMicros()).padStart(STAMP_LENGTH, "0"));
          given += 1;
          if (given < spec.chunks) return;
          clearInterval(timer);
          controller.close();
        }, spec.everyMs);
      });
    },
    cancel: () => clearInterval(timer),
  });
}
