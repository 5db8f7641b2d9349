// Whether a claim is still its producer's, as a total function of a status and an event. No I/O, no time.
//
//   pending ──named──▶ doubted           held ──finishing──▶ finishing
//    │ │                │ │ won: look     │  fenced, or            │
//    │ └─────won────────┼─┴──────────────▶│  looked: another's     │ fenced
//    │ fenced           │ fenced          └──────────▶ closed ◀────┘
//    └──▶ outdone ◀─────┘
//          won: tell
//
// A claim is pending before its record is written: followers that read the record must find its producer.

export type ClaimStatus =
  /** The record isn't written yet. */
  | "pending"
  /** As `pending`, and a request has named another claim: the record is looked at once it is written. */
  | "doubted"
  /** Fenced while pending: its producer, which isn't bound to it yet, is told once it is. It is closed already. */
  | "outdone"
  /** The record was written, and nobody is known to have superseded it. */
  | "held"
  /** As `held`, and its end is being written. */
  | "finishing"
  | "closed";

export type ClaimEvent =
  /** The record is written, and the producer bound to the claim. */
  | { type: "won" }
  /** The source has ended. */
  | { type: "finishing" }
  /** A request names another claim than this. */
  | { type: "named" }
  /** The record was read for such a request. */
  | { type: "looked"; isAnothers: boolean }
  /** A successor says so, or the record can't be written again: another has it. */
  | { type: "fenced" }
  | { type: "closed" };

export type ClaimEffect =
  /** Do what the request asks. */
  | "act"
  /** Read the record. */
  | "look"
  /** Tell the producer that it is fenced. */
  | "tell"
  /** Stop answering. */
  | "close"
  | "tell and close";

export interface ClaimStep {
  readonly status: ClaimStatus;
  /** Absent if nothing is to be done. */
  readonly effect?: ClaimEffect;
}

export function stepClaim(status: ClaimStatus, event: ClaimEvent): ClaimStep {
  const isOpen = status !== "closed" && status !== "outdone";
  const isWon = status === "held" || status === "finishing";
  switch (event.type) {
    case "won":
      if (status === "outdone") return { status: "closed", effect: "tell" };
      if (status === "doubted") return { status: "held", effect: "look" };
      return { status: status === "pending" ? "held" : status };
    case "finishing":
      return { status: isOpen ? "finishing" : status };
    case "named":
      // Another epoch proves nothing: it may be of a follower of the claim before this or after it, or be made up. The
      // record knows; before it is written the other claim may be the one that this is about to supersede.
      if (isWon) return { status, effect: "look" };
      return { status: status === "pending" ? "doubted" : status };
    case "looked":
      if (!isOpen) return { status };
      if (!event.isAnothers) return { status, effect: "act" };
      // Writing the end tells one that is finishing whether it was superseded before.
      return status === "finishing" ? { status } : fenced(status);
    case "fenced":
      return isOpen ? fenced(status) : { status };
    case "closed":
      return { status: isOpen ? "closed" : status };
  }
}

function fenced(status: "pending" | "doubted" | "held" | "finishing"): ClaimStep {
  const isBound = status === "held" || status === "finishing";
  return isBound ? { status: "closed", effect: "tell and close" } : { status: "outdone", effect: "close" };
}
