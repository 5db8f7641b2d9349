// Messages of one channel go by one node of a cluster, whoever sends them: two that are sent one after the other then arrive in
// this order, as over a single server. A fence has to arrive before the request that follows it.

/** Where among the nodes, in the order of their addresses, the search for the channel's node begins. */
export function channelStart(channel: string): number {
  let hash = 0;
  for (const character of channel) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003;
  return hash;
}

/** All nodes, the channel's first. While one is away, its channels go by the next. */
export function inOrderFor<Node>(
  start: number,
  nodes: readonly Node[],
  addressOf: (node: Node) => string,
): Node[] {
  const sorted = nodes.toSorted((a, b) => (addressOf(a) < addressOf(b) ? -1 : 1));
  const first = sorted.length === 0 ? 0 : start % sorted.length;
  return [...sorted.slice(first), ...sorted.slice(0, first)];
}
