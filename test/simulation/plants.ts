// Bugs, planted through the simulation's seams: what the library would do wrong if somebody broke it there.

import { type FollowerEffect, stepFollower } from "../../src/engine/follower-state.ts";
import { stepProducer } from "../../src/engine/producer-state.ts";
import { sleep } from "../../src/lib/clock.ts";
import type { Claim, EndKind, Slice, Transport } from "../../src/port/transport.ts";
import { stepClaim } from "../../src/transports/relay/claim-state.ts";
import { stepVerdict } from "../../src/transports/relay/verdict.ts";
import { type Plant, withMethod } from "./participant.ts";
import type { Violation } from "./world.ts";

export interface PlantedBug {
  name: string;
  plant: Plant;
  /** The promises it may break; the first one that breaks tells. */
  breaks: ReadonlyArray<Violation["promise"]>;
  /** The seed to begin with, where the first thousands find nothing. @defaultValue 1 */
  from?: number;
}

type FollowerEvent = Parameters<typeof stepFollower>[1];
type FollowerPage = Extract<FollowerEvent, { type: "page" }>;

/** A follower that takes a page for something else than it is. */
function misread(
  read: (event: FollowerPage, state: Parameters<typeof stepFollower>[0]) => FollowerPage,
): Plant {
  return {
    stepFollower: (state, event) => stepFollower(state, event.type === "page" ? read(event, state) : event),
  };
}

function endAs(kind: EndKind): FollowerEffect {
  return { type: "end", kind, isClean: kind === "done" || kind === "stopped" };
}

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
  {
    name: "a follower skips the check for gaps",
    breaks: ["G1"],
    plant: misread((event, { next }) =>
      event.page.from > next ? { ...event, page: { ...event.page, from: next } } : event,
    ),
  },
  {
    name: "a follower delivers a suffix twice",
    breaks: ["G1"],
    plant: misread((event, { next }) =>
      event.page.from < next ? { ...event, page: { ...event.page, from: next } } : event,
    ),
  },
  {
    name: "a follower takes a failed end for a clean one",
    breaks: ["G1"],
    plant: misread((event) =>
      event.page.end === "failed" ? { ...event, page: { ...event.page, end: "done" } } : event,
    ),
  },
  {
    name: "a follower ends with the end's page, whatever it still misses",
    breaks: ["G1"],
    plant: {
      stepFollower: (state, event) => {
        const step = stepFollower(state, event);
        if (step.state.status === "ended" || event.type !== "page" || event.page.end === undefined)
          return step;
        const end = endAs(event.page.end);
        return { state: { ...step.state, status: "ended" }, effects: [...step.effects, end] };
      },
    },
  },
  {
    name: "a follower forgets its epoch",
    breaks: ["G1"],
    plant: { stepFollower: (state, event) => stepFollower({ ...state, epoch: undefined }, event) },
  },
  {
    name: "a follower keeps the end of another epoch",
    breaks: ["G1", "G4", "G6"],
    from: 3_000,
    plant: {
      stepFollower: (state, event) => {
        const step = stepFollower(state, event);
        const { end, epoch } = state;
        if (!end || step.state.end || step.state.epoch === epoch) return step;
        const kept = { ...step.state, end };
        if (kept.status === "ended" || kept.next < end.offset) return { ...step, state: kept };
        const told = endAs(end.kind);
        return { state: { ...kept, status: "ended" }, effects: [...step.effects, told] };
      },
    },
  },
  {
    name: "a follower accepts pages of a lower epoch",
    breaks: ["G1", "G6"],
    from: 1_300,
    plant: misread((event, { epoch = 0 }) =>
      event.page.epoch < epoch ? { ...event, page: { ...event.page, epoch } } : event,
    ),
  },
  {
    name: "a follower ignores that something was missed, and silence",
    breaks: ["G7"],
    plant: {
      stepFollower: (state, event) =>
        event.type === "missed" || (event.type === "silence" && state.isBound)
          ? { state, effects: [] }
          : stepFollower(state, event),
    },
  },
  {
    name: "a follower's queue has no bound",
    breaks: ["G9"],
    plant: {
      stepFollower: (state, event) => stepFollower({ ...state, maxQueued: Number.MAX_SAFE_INTEGER }, event),
    },
  },
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
