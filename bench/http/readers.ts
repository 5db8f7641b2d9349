// A child process with many readers over plain sockets, which cost as little as readers can.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type * as clientEntry from "../../src/client.ts";
import { serve } from "../lib/calls.ts";
import { nowMicros } from "../lib/source.ts";
import type { Kind } from "./server.ts";

const built: string = new URL("../../dist/client.js", import.meta.url).href;
const { resumableFetch } = (await import(built)) as typeof clientEntry;

const STAMP = Buffer.from("data: ");
const STAMP_DIGITS = 16;
const LAST = "the last of all";

const sockets = new Set<Socket>();
let latenciesMs: number[] = [];

async function open({ port, id, onData }: { port: number; id: string; onData: (bytes: Buffer) => void }) {
  const socket = connect(port, "127.0.0.1");
  sockets.add(socket);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(`GET /${id} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  await once(socket, "data");
  socket.on("data", onData);
}

function onStamps(bytes: Buffer): void {
  const now = nowMicros();
  for (let at = bytes.indexOf(STAMP); at >= 0; at = bytes.indexOf(STAMP, at + STAMP.length)) {
    const begin = at + STAMP.length;
    latenciesMs.push((now - Number(bytes.toString("latin1", begin, begin + STAMP_DIGITS))) / 1000);
  }
}

const handlers = {
  /** Readers of one stream; settles once each has been answered. */
  async attach({ port, id, count }: { port: number; id: string; count: number }): Promise<void> {
    latenciesMs = [];
    // Not all at once: a server takes some hundred connections that wait to be accepted.
    for (let at = 0; at < count; at += 100) {
      const few = Array.from({ length: Math.min(100, count - at) });
      await Promise.all(few.map(() => open({ port, id, onData: onStamps })));
    }
  },

  /** What readers have measured since they were attached, once it is this many values. */
  async latencies({ count }: { count: number }): Promise<number[]> {
    while (latenciesMs.length < count) await new Promise((resolve) => setTimeout(resolve, 10));
    return latenciesMs;
  },

  /** From the first request to the moment at which the last of them has the last event, in milliseconds. */
  async catchUp({ port, id, count }: { port: number; id: string; count: number }): Promise<number> {
    const start = performance.now();
    await Promise.all(
      Array.from({ length: count }, async () => {
        const socket = connect(port, "127.0.0.1");
        sockets.add(socket);
        await once(socket, "connect");
        await new Promise<void>((resolve) => {
          socket.on("data", (bytes: Buffer) => {
            // The end of what came is enough: nothing comes after it.
            if (bytes.subarray(-200).includes(LAST)) resolve();
          });
          socket.write(`GET /${id} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
        });
      }),
    );
    return performance.now() - start;
  },

  /** Processor time of one answer that is read to its end, in milliseconds. */
  async fetchCpu({ port, id, kind }: { port: number; id: string; kind: Kind }): Promise<number> {
    const start = process.cpuUsage();
    const response = await (kind === "ours" ? resumableFetch : fetch)(`http://127.0.0.1:${port}/${id}`);
    for await (const _bytes of response.body ?? []);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  },

  async leave(): Promise<void> {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  },
};

export type HttpReaders = typeof handlers;
serve(handlers);
