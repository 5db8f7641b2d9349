// What all entries over a pub/sub server share: options in, a context over the relay transport out.

import { systemClock } from "../lib/clock.ts";
import { systemRandom } from "../lib/random.ts";
import { relayTransport } from "../transports/relay/relay.ts";
import type { RelayConnection } from "../transports/relay/relay-options.ts";
import type { Transport } from "../port/transport.ts";
import { createContext } from "../api/context.ts";
import { type CheckedOptions, checkOptions } from "../api/options.ts";
import type { CommonOptions } from "../api/common-options.ts";
import type { DurableStreamContext, ResumableStreamContext } from "../api/types.ts";

export function createRelayContext(
  options: CommonOptions,
  connection: () => RelayConnection,
): ResumableStreamContext {
  const checked = checkOptions(options);
  const transport = createRelayTransport(checked, connection());
  return withoutFailed(createContext({ transport, options: checked, clock: systemClock }));
}

/** A relay keeps no text: what failed is gone, and its id free. */
export function withoutFailed(context: DurableStreamContext): ResumableStreamContext {
  return {
    ...context,
    hasExistingStream: async (streamId) => {
      const status = await context.hasExistingStream(streamId);
      return status === "failed" ? null : status;
    },
  };
}

export function createRelayTransport(options: CheckedOptions, connection: RelayConnection): Transport {
  const { ackTimeoutMs, claimTimeoutMs, handOver, keyPrefix, lingerMs, livenessMs } = options;
  const { onError, retentionSeconds } = options;
  return relayTransport({
    connection,
    keyPrefix,
    settings: { ackTimeoutMs, lingerMs, livenessMs, retentionSeconds },
    claimTimeoutMs,
    clock: systemClock,
    random: systemRandom,
    onError,
    handOver,
  });
}
