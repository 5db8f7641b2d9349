/** Rejects when it takes longer: a library that hangs must cost a row, not the run. */
export async function withDeadline<T>(
  promise: Promise<T>,
  { what, ms }: { what: string; ms: number },
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
