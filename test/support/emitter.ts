/** Whether a client says how many listen to it. */
export function isEmitter(client: unknown): client is NodeJS.EventEmitter {
  return typeof client === "object" && client !== null && "eventNames" in client && "listenerCount" in client;
}
