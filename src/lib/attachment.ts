// How an object listens to something that outlives it, without being kept by that.

/** Calls the owner, or does nothing if it was collected. */
export type Tell<Owner> = (act: (owner: Owner) => void) => void;

/** Kept by the listeners, and so by whatever they are attached to. */
interface Attached {
  stops: ReadonlyArray<() => void>;
}

/**
 * Detaches the listeners of owners that were collected. Holds them weakly: they reach the client, and the client may reach its owner.
 * Cloudflare's workers have neither this nor `WeakRef` with compatibility dates before 2025-05-05. There owners are kept.
 */
const registry =
  typeof FinalizationRegistry === "function"
    ? new FinalizationRegistry((attached: WeakRef<Attached>) => detach(attached.deref()))
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
  const attached: Attached = { stops: [] };
  attached.stops = attach(tellTo(ref, attached));
  registry?.register(owner, new WeakRef(attached), attached);
  return () => {
    registry?.unregister(attached);
    detach(attached);
  };
}

/** A function of its own: closures of one function share what any of them closes over. */
function tellTo<Owner extends object>(ref: Pick<WeakRef<Owner>, "deref">, attached: Attached): Tell<Owner> {
  return (act) => {
    const owner = ref.deref();
    if (owner) act(owner);
    else detach(attached);
  };
}

function detach(attached: Attached | undefined): void {
  for (const stop of attached?.stops ?? []) stop();
}
