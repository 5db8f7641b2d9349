/** Reads to the end and keeps nothing; resolves to how many units came. */
export async function drain(
  stream: ReadableStream<string>,
  onText?: (text: string) => void,
): Promise<number> {
  const reader = stream.getReader();
  let units = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return units;
    units += value.length;
    onText?.(value);
  }
}
