// A transport that a test can cut, spoil and mend: between it and the engine.

import { ResumableStreamError } from "../../port/errors.ts";
import { background } from "../../lib/background.ts";
import { createDeferred } from "../../lib/deferred.ts";
import { bounded } from "../../port/authoring.ts";
import type { Claim, ProducerPort, Transport, WatchSignal } from "../../port/transport.ts";
import type { Dice } from "../dice.ts";
import type { Losing } from "../processes.ts";
import type { TransportBackend } from "./backend.ts";
import { type Mistreatment, mistreating } from "../mistreat.ts";

export interface FaultyTransport {
  transport: Transport;
  /**
   * Nothing gets through: signals are lost, calls run into their deadline, and text to be written waits. Only the backend's
   * own cut can lose answers: between an engine and its transport none gets lost.
   */
  cut: (losing?: Losing) => void;
  mend: () => void;
  /** Calls reject, until told otherwise; text to be written waits. */
  reject: (state: "rejecting" | "working") => void;
  /** Ends it as a crash does. */
  kill: () => void;
}

export interface FaultyTransportOptions<Made extends Transport> {
  /** How long a call may take. */
  timeoutMs: number;
  mistreatment: (Mistreatment & { dice: Dice }) | undefined;
  backend: TransportBackend<Made>;
}

export function createFaultyTransport<Made extends Transport>(
  inner: Made,
  { timeoutMs, mistreatment, backend }: FaultyTransportOptions<Made>,
): FaultyTransport {
  let isRejecting = false;
  let mended = createDeferred<void>();
  let isCut = false;
  let isKilled = false;
  /** Settles what waits for a dead process' writes. */
  const killed = createDeferred<void>();

  const call = async <T>(run: () => Promise<T>): Promise<T> => {
    if (isRejecting) {
      throw new ResumableStreamError("TRANSPORT_UNAVAILABLE", "The test has this call fail.");
    }
    if (isCut) await bounded(mended.promise, { what: "get through", timeoutMs });
    return run();
  };
  const write = async (run: () => Promise<void>): Promise<void> => {
    if (isCut || isRejecting) await mended.promise;
    // A dead process writes nothing more; in this one somebody may wait for it.
    if (!isKilled) await Promise.race([run(), killed.promise]);
  };
  const harm = (): void => {
    if (!isCut && !isRejecting) mended = createDeferred<void>();
  };
  const heal = (): void => {
    if (!isCut && !isRejecting) mended.resolve();
  };

  /** A message of the backend to a producer that it can't reach isn't heard; the next heartbeat says it again. */
  const heard = (producer: ProducerPort): ProducerPort => {
    const pass = (tell: () => void): void => {
      if (!isCut) tell();
      else void mended.promise.then(tell);
    };
    return {
      read: (from, maxUnits) => producer.read(from, maxUnits),
      watched: (isWatched) => pass(() => producer.watched(isWatched)),
      stop: (reason) => pass(() => producer.stop(reason)),
      fenced: () => pass(() => producer.fenced()),
    };
  };
  const harmed = (claim: Claim): Claim => ({
    epoch: claim.epoch,
    append: (take) => write(() => claim.append(take)),
    ending: () => claim.ending?.(),
    isHandedOver: () => call(async () => (await claim.isHandedOver?.()) ?? false),
    handingOver: () => claim.handingOver?.(),
    handedOver: (isTaken) => claim.handedOver?.(isTaken),
    finish: (take, onWritten) => write(() => claim.finish(take, onWritten)),
  });

  /** Mends what the backend itself has cut; absent if it hasn't. */
  let mendBackend: (() => void) | undefined;
  const cut = (losing: Losing = "calls"): void => {
    mendBackend ??= backend.cut?.(inner, losing);
    if (mendBackend) return;
    harm();
    isCut = true;
  };

  return {
    transport: {
      keepsText: inner.keepsText,
      ...(inner.pageUnits !== undefined && { pageUnits: inner.pageUnits }),
      claim: (streamId, { mode, producer, isOwed = false }) =>
        call(async () => {
          const result = await inner.claim(streamId, { mode, producer: heard(producer), isOwed });
          return result.status === "won" ? { status: "won", claim: harmed(result.claim) } : result;
        }),
      status: (streamId) => call(() => inner.status(streamId)),
      peek: (streamId) => call(() => inner.peek(streamId)),
      read: (streamId, request) => call(() => inner.read(streamId, request)),
      stop: (streamId, request) => call(() => inner.stop(streamId, request)),
      lastEnd: async (streamId) => call(async () => inner.lastEnd?.(streamId)),
      close: () => (isKilled ? Promise.resolve() : inner.close()),
      watch: (streamId, onSignal) => {
        const hear = mistreatment ? mistreating(onSignal, mistreatment) : onSignal;
        return inner.watch(streamId, (signal: WatchSignal) => {
          if (!isCut) hear(signal);
        });
      },
    },
    cut,
    mend: () => {
      mendBackend?.();
      mendBackend = undefined;
      isCut = false;
      heal();
    },
    kill: () => {
      cut();
      // Between it and its engine, too: a dead process is asked nothing more.
      harm();
      isCut = true;
      isKilled = true;
      killed.resolve();
      if (backend.kill) backend.kill(inner);
      else background(inner.close(), () => undefined);
    },
    reject: (state) => {
      if (state === "rejecting") harm();
      isRejecting = state === "rejecting";
      heal();
    },
  };
}
