// Bugs, planted through the simulation's seams: what the library would do wrong if somebody broke it there.

import { stepProducer } from "../../src/engine/producer-state.ts";
import { sleep } from "../../src/lib/clock.ts";
import type { Claim, Slice, Transport } from "../../src/port/transport.ts";
import { stepClaim } from "../../src/transports/relay/claim-state.ts";
import { stepVerdict } from "../../src/transports/relay/verdict.ts";
import { FOLLOWER_PLANTED_BUGS } from "./follower-plants.ts";
import { type Plant, withMethod } from "./participant.ts";
import type { PlantedBug } from "./planted-bug.ts";

export function withClaims(change: (claim: Claim) => Claim): Plant {
  return {
    transport: (transport) => {
      const claim: Transport["claim"] = async (streamId, request) => {
        const result = await transport.claim(streamId, request);
        return result.status === "won" ? { status: "won", claim: change(result.claim) } : result;
      };
      return withMethod(transport, "claim", claim);
    },
  };
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...FOLLOWER_PLANTED_BUGS,
  {
    name: "a producer writes its end before its last text",
    breaks: ["G1"],
    plant: withClaims((claim) => ({
      epoch: claim.epoch,
      append: (take) => claim.append(take),
      finish: (take) => claim.finish(() => beforeText(take())),
    })),
  },
  {
    name: "a producer tells its end before it is written",
    breaks: ["G13"],
    from: 550,
    plant: {
      stepProducer: (state, event) => {
        const step = stepProducer(state, event);
        return step.state.end === "waiting"
          ? { state: { ...step.state, end: "told" }, effects: ["tell-end", ...step.effects] }
          : step;
      },
    },
  },
  {
    name: "a producer never lingers",
    breaks: ["G4"],
    plant: { options: { lingerMs: 1 } },
  },
  {
    name: "a producer that is stopped calls it failed",
    breaks: ["G1", "G2", "G3", "G6"],
    plant: {
      stepProducer: (state, event) => {
        const step = stepProducer(state, event);
        return event.type === "stop" && step.state.source === "stopped"
          ? { ...step, state: { ...step.state, source: "failed" } }
          : step;
      },
    },
  },
  {
    name: "a producer forgets that its end was written",
    breaks: ["G7"],
    plant: {
      stepProducer: (state, event) =>
        event.type === "finished" ? { state, effects: [] } : stepProducer(state, event),
    },
  },
  {
    name: "a caller declares death at the first silence",
    breaks: ["G3", "G4", "G7"],
    plant: {
      transport: (transport, clock) => {
        const read: Transport["read"] = (streamId, request) =>
          Promise.race([
            transport.read(streamId, request),
            sleep(clock, 300).then(() => ({ status: "lost" }) as const),
          ]);
        return withMethod(transport, "read", read);
      },
    },
  },
  {
    name: "a caller never finds that a producer is dead",
    breaks: ["G4", "G7"],
    plant: {
      transport: (transport) => {
        const read: Transport["read"] = async (streamId, request) => {
          const result = await transport.read(streamId, request);
          return result.status === "lost" ? new Promise(() => undefined) : result;
        };
        return withMethod(transport, "read", read);
      },
    },
  },
  {
    name: "a producer is condemned at the first silence",
    breaks: ["G4", "G7"],
    plant: {
      stepVerdict: (state, event, now, limits) =>
        stepVerdict(state, event, now, { ...limits, ackTimeoutMs: limits.ackTimeoutMs / 20 }),
    },
  },
  {
    name: "a producer doesn't believe that it was superseded",
    breaks: ["G3", "G4", "G7", "G13"],
    plant: {
      stepClaim: (status, event) =>
        event.type === "fenced" || event.type === "looked" ? { status } : stepClaim(status, event),
    },
  },
  {
    name: "a record is set free without comparing it",
    breaks: ["G3", "G4", "G7"],
    from: 450,
    plant: {
      ports: ({ publish, subscribe }) => {
        const { records } = publish;
        const freeIf: typeof records.freeIf = async (key) => {
          const record = await records.get(key);
          return record.status === "claimed" && records.freeIf(key, record.raw);
        };
        return { subscribe, publish: { ...publish, records: { ...records, freeIf } } };
      },
    },
  },
  {
    name: "a claim doesn't look whether the record is free",
    breaks: ["G3"],
    plant: {
      ports: ({ publish, subscribe }) => {
        const { records } = publish;
        const claimIfFree: typeof records.claimIfFree = async (key, claim) => {
          await records.replace(key, claim);
          return true;
        };
        return { subscribe, publish: { ...publish, records: { ...records, claimIfFree } } };
      },
    },
  },
  {
    name: "a channel is never given back",
    breaks: ["G7"],
    plant: {
      ports: ({ publish, subscribe }) => ({
        publish,
        subscribe: { ...subscribe, unsubscribe: () => Promise.resolve() },
      }),
    },
  },
  {
    name: "a late stop stops whichever answer runs",
    breaks: ["G14"],
    plant: {
      transport: (transport) =>
        withMethod(transport, "stop", (streamId, request) =>
          transport.stop(streamId, { ...request, epoch: undefined }),
        ),
    },
  },
  {
    name: "what ended last isn't told",
    breaks: ["G14"],
    plant: {
      transport: (transport) => withMethod(transport, "lastEnd", () => Promise.resolve(undefined)),
    },
  },
  {
    name: "an end is written while the app is still given the text",
    breaks: ["G15"],
    plant: {
      stepProducer: (state, event) => {
        const step = stepProducer(state, event);
        if (!step.effects.includes("hand-over")) return step;
        const { effects, state: next } = stepProducer(step.state, { type: "handed-over" });
        return { state: next, effects: [...step.effects, ...effects] };
      },
    },
  },
  {
    name: "a stream that failed isn't handed over",
    breaks: ["G15"],
    plant: {
      stepProducer: (state, event) => {
        const step = stepProducer(state, event);
        if (!step.effects.includes("hand-over") || step.state.source !== "failed") return step;
        const { effects, state: next } = stepProducer(step.state, { type: "handed-over" });
        return { state: next, effects: [...step.effects.filter((each) => each !== "hand-over"), ...effects] };
      },
    },
  },
];

function beforeText(slice: Slice): Slice {
  return { ...slice, text: "", tail: slice.from };
}
