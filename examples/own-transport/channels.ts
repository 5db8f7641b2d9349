import type { NatsConnection, Subscription } from "@nats-io/transport-node";
import type { PubSubPair } from "resumable-stream/testing";
import { decodeText, encodeName } from "./encoding.ts";

export type Channels = Pick<PubSubPair["publisher"], "publish"> & PubSubPair["subscriber"];

/**
 * Channels are subjects of core NATS: at most once, and to whoever is there. The client subscribes again by
 * itself when it has reconnected.
 */
export function openChannels(connection: NatsConnection): Channels {
  const subscriptions = new Map<string, Subscription>();

  const unsubscribe = async (channel: string): Promise<void> => {
    subscriptions.get(channel)?.unsubscribe();
    subscriptions.delete(channel);
  };

  return {
    // Resolves to nothing: NATS doesn't tell how many received a message.
    publish: async (channel, message) => {
      connection.publish(subjectOf(channel), message);
      await connection.flush();
    },

    subscribe: async (channel, callback) => {
      // One that was given up while it hung may still be there.
      await unsubscribe(channel);
      const subscription = connection.subscribe(subjectOf(channel), {
        // Where the server refuses, the process doesn't hear itself, and the library finds out.
        callback: (error, message) => {
          if (!error) callback(decodeText(message.data));
        },
      });
      subscriptions.set(channel, subscription);
      try {
        // The answer to a ping comes after the server has read the subscription.
        await connection.flush();
      } catch (error) {
        subscription.unsubscribe();
        throw error;
      }
    },

    unsubscribe,
  };
}

function subjectOf(channel: string): string {
  return `resumable-stream.${encodeName(channel)}`;
}
