// The floor: the least that keeps a source running without its reader. No store, no end but a good one, nobody else who reads.

export function pump(source: ReadableStream<string>): ReadableStream<string> {
  const pieces: string[] = [];
  let next = 0;
  let hasEnded = false;
  let wake: (() => void) | undefined;
  const run = async (): Promise<void> => {
    const reader = source.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      pieces.push(value);
      wake?.();
    }
    hasEnded = true;
    wake?.();
  };
  run().catch((error: unknown) => {
    throw error;
  });
  return new ReadableStream<string>(
    {
      async pull(controller) {
        if (next === pieces.length && !hasEnded) {
          await new Promise<void>((resolve) => (wake = resolve));
          wake = undefined;
        }
        if (next === pieces.length) return controller.close();
        controller.enqueue(pieces.slice(next).join(""));
        next = pieces.length;
      },
    },
    { highWaterMark: 0 },
  );
}
