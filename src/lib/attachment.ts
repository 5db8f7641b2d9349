// How an object listens to something that outlives it, without being kept by that.

/** Calls the owner, or does nothing if it was collected. */
export type Tell<Owner> = (act: (owner: Owner) => void) => void;

/** Cloudflare's workers have neither this nor `WeakRef` with compatibility dates before 2025-05-05. There owners are kept. */
const registry =
  typeof FinalizationRegistry === "function"
    ? new FinalizationRegistry((detach: () => void) => detach())
    : undefined;

/**
 * Attaches listeners that don't keep their owner, and detaches them when what this returns is called, or the owner was collected: apps
 * make a context for each request, and close none. What an owner does must keep it, by a timer, a subscription or a command.
 *
 * @param attach - closes over nothing that holds the owner: a function of the module, not of the owner's constructor.
 */
export function attachWeakly<Owner extends object>(
  owner: Owner,
  attach: (tell: Tell<Owner>) => ReadonlyArray<() => void>,
): () => void {
  const ref = registry ? new WeakRef(owner) : { deref: () => owner };
  const detach = attachTo(ref, attach);
  registry?.register(owner, detach, ref);
  return () => {
    registry?.unregister(ref);
    detach();
  };
}

/** A function of its own: closures of one function share what any of them closes over. */
function attachTo<Owner extends object>(
  ref: Pick<WeakRef<Owner>, "deref">,
  attach: (tell: Tell<Owner>) => ReadonlyArray<() => void>,
): () => void {
  const stops = attach((act) => {
    const owner = ref.deref();
    if (owner) act(owner);
  });
  return () => {
    for (const stop of stops) stop();
  };
}
