// Bugs of a log, planted: what the library's statements, or what it makes of their answers, would do wrong.

import { stepFollower } from "../../src/engine/follower-state.ts";
import { withClaims } from "./plants.ts";
import type { Plant } from "./participant.ts";
import type { Rows } from "./rows.ts";
import type { Store } from "./store.ts";
import type { PlantedBug } from "./planted-bug.ts";

/** A statement that does something else with its rows. */
function withStore(
  change: (store: Store) => Partial<Pick<Store, "append" | "claim" | "elect" | "read" | "status" | "write">>,
): Plant {
  return {
    execute: (store) => {
      Object.assign(store, change(store));
      return store.execute;
    },
  };
}

export const LOG_PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: "a read takes its text before the state of its stream",
    breaks: ["G1", "G7"],
    plant: {
      query: (query) => async (name, values) => {
        if (name !== "read") return query(name, values);
        const text = await query(name, values);
        const state = await query(name, values);
        return state.map((row, n) => ({ ...row, ...textOf(text[n]) }));
      },
    },
  },
  {
    name: "an append doesn't compare epochs",
    breaks: ["G1", "G4", "G6"],
    plant: withStore((store) => {
      const append = store.append.bind(store);
      return {
        append: (streams, written) =>
          append(
            streams.map((input) => {
              const session = store.sessions.get(String(input["stream_id"]));
              return { ...input, epoch: session?.epoch };
            }),
            written,
          ),
      };
    }),
  },
  {
    name: "an append doesn't extend the lease",
    breaks: ["G1", "G3", "G4"],
    plant: withStore((store) => {
      const write = store.write.bind(store);
      return {
        write: (session, written) => {
          const { leaseEndsAt } = session;
          const row = write(session, written);
          session.leaseEndsAt = leaseEndsAt;
          return row;
        },
      };
    }),
  },
  {
    name: "the end is written without the last text",
    breaks: ["G1", "G4", "G6", "G7"],
    plant: withStore((store) => {
      const write = store.write.bind(store);
      return {
        write: (session, written) => write(session, written.ended ? { ...written, rows: [] } : written),
      };
    }),
  },
  {
    name: "a claim takes a live lease over",
    breaks: ["G3", "G13"],
    plant: withStore((store) => {
      const claim = store.claim.bind(store);
      return { claim: (key, how) => claim(key, { ...how, mode: "supersede" }) };
    }),
  },
  {
    name: "a claim keeps the epoch and the text of the one before",
    breaks: ["G1", "G3", "G5", "G6", "G7"],
    plant: withStore((store) => {
      const claim = store.claim.bind(store);
      return {
        claim: (key, how) => {
          const previous = store.sessions.get(key);
          const rows = claim(key, how);
          const session = store.sessions.get(key);
          if (rows.length > 0 && previous && session) session.entries = previous.entries;
          return rows;
        },
      };
    }),
  },
  {
    name: "a lapsed lease looks alive",
    breaks: ["G4", "G7"],
    plant: withStore(() => ({ status: (session) => session.status })),
  },
  {
    name: "a repeated append writes its text twice",
    breaks: ["G1", "G4", "G6", "G7"],
    plant: withStore((store) => {
      const write = store.write.bind(store);
      return {
        write: (session, written) => {
          const before = new Map(session.entries);
          const row = write(session, written);
          for (const { start } of written.rows) {
            const entry = before.get(Number(start));
            if (entry) session.entries.set(Number(start) + 0.5, { ...entry });
          }
          return row;
        },
      };
    }),
  },
  {
    name: "notifications are taken for the truth",
    breaks: ["G7"],
    plant: {
      query: (query) => (name, values) =>
        name === "check" ? new Promise<Rows>(() => undefined) : query(name, values),
      stepFollower: (state, event) =>
        event.type === "silence" && state.isBound ? { state, effects: [] } : stepFollower(state, event),
    },
  },
  {
    name: "a failed stream ends cleanly for a follower that was there",
    breaks: ["G1"],
    plant: {
      stepFollower: (state, event) =>
        stepFollower(
          state,
          event.type === "page" && event.page.end === "failed" && state.isBound
            ? { ...event, page: { ...event.page, end: "done" } }
            : event,
        ),
    },
  },
  {
    name: "a dead producer's text is thrown away",
    breaks: ["G1", "G3", "G4", "G6", "G7"],
    from: 5_600,
    plant: withStore((store) => {
      const read = store.read.bind(store);
      return {
        read: (request) => {
          const session = store.session(String(request["stream_id"]));
          if (session && store.status(session) === "lapsed") {
            session.entries.clear();
            session.tail = 0;
          }
          return read(request);
        },
      };
    }),
  },
  {
    name: "an append that failed is forgotten",
    breaks: ["G1", "G3", "G6", "G7"],
    from: 950,
    plant: {
      query: (query) => async (name, values) => {
        try {
          return await query(name, values);
        } catch (error) {
          if (name !== "append") throw error;
          const streams: unknown = JSON.parse(String(values[0]));
          return Array.isArray(streams) ? (streams as Rows) : [];
        }
      },
    },
  },
  {
    name: "a producer over a database writes its end before its last text",
    breaks: ["G1"],
    plant: withClaims((claim) => ({
      epoch: claim.epoch,
      append: (take) => claim.append(take),
      finish: (take) =>
        claim.finish(() => {
          const slice = take();
          return { ...slice, text: "", tail: slice.from };
        }),
    })),
  },
  {
    name: "all that find a producer dead are elected",
    breaks: ["G15"],
    from: 500,
    plant: withStore((store) => {
      const elect = store.elect.bind(store);
      return {
        elect: (key, forMs) => {
          const session = store.session(key);
          if (session && store.handover(session) === "running")
            session.handoverUntil = Number.NEGATIVE_INFINITY;
          return elect(key, forMs);
        },
      };
    }),
  },
  {
    name: "whoever finds a producer dead gives nobody what it left",
    breaks: ["G15"],
    from: 780,
    plant: withStore((store) => ({
      elect: (key) => {
        const session = store.session(key);
        if (session) session.handoversLeft = null;
        return [];
      },
    })),
  },
  {
    name: "what is left is given without its last rows",
    breaks: ["G15"],
    plant: withStore((store) => {
      const elect = store.elect.bind(store);
      return {
        elect: (key, forMs) =>
          elect(key, forMs).map((row) => ({ ...row, plain: null, encoded: null, start: null, stop: null })),
      };
    }),
  },
];

function textOf(row: Rows[number] | undefined): Rows[number] {
  if (!row) return {};
  const { encoded, plain, start, stop } = row;
  return { encoded, plain, start, stop };
}
