/** Lets a promise run on without a caller; `onRejected` hears of its failure, so that none is unhandled. */
export function background(promise: Promise<unknown>, onRejected: (error: unknown) => void): void {
  promise.then(undefined, onRejected);
}

/** What `act` gives, as a promise also if it throws or gives none: for calls of other people's code. */
export async function attempt(act: () => unknown): Promise<void> {
  await act();
}
