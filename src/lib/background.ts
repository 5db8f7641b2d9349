/** Lets a promise run on without a caller; `onRejected` hears of its failure, so that none is unhandled. */
export function background(promise: Promise<unknown>, onRejected: (error: unknown) => void): void {
  promise.then(undefined, onRejected);
}

/** Calls other people's code: settles as `act` does, and also rejects if `act` throws before it returns a promise. */
export async function attempt(act: () => unknown): Promise<void> {
  await act();
}
