// A cluster, as REDIS_URL names it: the URLs of some of its nodes, separated by commas.

export interface ClusterNodes {
  /** At least one. The cluster tells of its other nodes. */
  urls: string[];
  /** For all nodes: the cluster names hosts and ports, and no more. */
  username?: string;
  password?: string;
  isSecure: boolean;
}

/** A password may contain commas as well: a list's next URL begins with its scheme. */
const BETWEEN = /,\s*(?=rediss?:\/\/|$)/i;

/** Undefined if `url` names a single server. One node with a comma behind it is a list of one. */
export function clusterNodes(url: string): ClusterNodes | undefined {
  const [first = "", ...others] = url.trim().split(BETWEEN);
  if (others.length === 0) return undefined;
  const urls = [first, ...others.filter((other) => other !== "")];
  const access = urls.map(accessOf);
  const [one, ...more] = access;
  if (one === undefined || more.some((other) => JSON.stringify(other) !== JSON.stringify(one)))
    throw new TypeError(
      "The URLs of a cluster's nodes differ in scheme, user or password: write the same ones into each.",
    );
  return { urls, ...one };
}

function accessOf(url: string): Omit<ClusterNodes, "urls"> {
  if (!URL.canParse(url))
    throw new TypeError(
      "The list of a cluster's nodes has something that is no URL: write redis:// or rediss:// URLs.",
    );
  const { protocol, username, password } = new URL(url);
  return {
    isSecure: protocol === "rediss:",
    ...(username !== "" && { username: decodeURIComponent(username) }),
    ...(password !== "" && { password: decodeURIComponent(password) }),
  };
}
