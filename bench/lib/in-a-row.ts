// Several measurements of the same, one after the other, as one value.

/** Their mean. */
export async function meanInARow(times: number, measure: () => Promise<number>): Promise<number> {
  let sum = 0;
  for (let time = 0; time < times; time += 1) sum += await measure();
  return sum / times;
}
