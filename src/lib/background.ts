/** Lets a promise run on without a caller; `onRejected` hears of its failure, so that none is unhandled. */
export function background(promise: Promise<unknown>, onRejected: (error: unknown) => void): void {
  promise.then(undefined, onRejected);
}
