// The parts of a message that are tool calls: how chunks change them, and what becomes of one whose answer ended too early.

import type { EndKind } from "../port/transport.ts";
import { given, type Part, type ReadChunk } from "./messages.ts";

export function isTool(part: Part): boolean {
  return part.type === "dynamic-tool" || part.type.startsWith("tool-");
}

/** The parts of the last step, which a call's chunks are about. */
export function lastStep(parts: Part[]): Part[] {
  return parts.slice(parts.findLastIndex(({ type }) => type === "step-start") + 1);
}

/** Whether the chunk was of a tool call. */
export function applyToTool(parts: Part[], chunk: ReadChunk): boolean {
  const { type, toolCallId } = chunk;
  const isCall = (part: Part): boolean => isTool(part) && part["toolCallId"] === toolCallId;
  /** Its own call, also of an earlier step. */
  const call = (): Part | undefined => lastStep(parts).find(isCall) ?? parts.findLast(isCall);
  switch (type) {
    case "tool-input-start":
      setCall(parts, chunk, { state: "input-streaming" });
      return true;
    case "tool-input-delta":
      // The chunk that ends the input has all of it. Without that chunk the call is left out.
      return true;
    case "tool-input-available":
      setCall(parts, chunk, { state: "input-available", input: chunk["input"] });
      return true;
    case "tool-input-error": {
      const { input, errorText } = chunk;
      const begun = lastStep(parts).find(isCall);
      const dynamic = begun ? begun.type === "dynamic-tool" : chunk["dynamic"];
      setCall(parts, { ...chunk, dynamic, title: undefined }, { state: "output-error", input, errorText });
      return true;
    }
    case "tool-output-available":
      setResult(call(), chunk, {
        state: "output-available",
        output: chunk["output"],
        preliminary: chunk["preliminary"],
      });
      return true;
    case "tool-output-error":
      setResult(call(), chunk, { state: "output-error", errorText: chunk["errorText"] });
      return true;
    case "tool-output-denied":
      assign(call(), { state: "output-denied" });
      return true;
    case "tool-approval-request":
      assign(call(), { state: "approval-requested", approval: approvalOf(chunk) });
      return true;
    case "tool-approval-response":
      respond(
        parts.find((part) => isTool(part) && approvalId(part) === chunk["approvalId"]),
        chunk,
      );
      return true;
    default:
      return false;
  }
}

/** The fields that each change of a call sets anew, so that nothing of the last one stays. */
type Change = { state: string } & Partial<
  Record<"input" | "output" | "errorText" | "preliminary" | "approval", unknown>
>;
const NOTHING = { input: undefined, output: undefined, errorText: undefined, preliminary: undefined };

function setCall(parts: Part[], chunk: ReadChunk, change: Change): void {
  const { toolCallId, toolName, dynamic } = chunk;
  const type = dynamic ? "dynamic-tool" : `tool-${String(toolName)}`;
  const isIt = (part: Part): boolean =>
    isTool(part) && part["toolCallId"] === toolCallId && (part.type === "dynamic-tool") === Boolean(dynamic);
  let part = lastStep(parts).find(isIt);
  if (!part) {
    part = { type, toolCallId };
    parts.push(part);
  }
  assign(part, { type, ...(dynamic ? { toolName } : {}) });
  update(part, chunk, change);
}

function setResult(part: Part | undefined, chunk: ReadChunk, change: Change): void {
  if (part) update(part, { ...chunk, title: undefined }, { input: part["input"], ...change });
}

function update(part: Part, chunk: ReadChunk, change: Change): void {
  const { title, toolMetadata, providerExecuted, providerMetadata } = chunk;
  const metadata = change.state.startsWith("output-") ? "resultProviderMetadata" : "callProviderMetadata";
  assign(part, {
    ...NOTHING,
    ...change,
    ...given({ title, toolMetadata, providerExecuted, [metadata]: providerMetadata }),
  });
}

function approvalOf(chunk: ReadChunk): Record<string, unknown> {
  const { approvalId: id, approvalDescriptor: descriptor, reason: requestReason, signature } = chunk;
  return {
    id,
    ...given({ descriptor, requestReason, signature }),
    ...("inputSchemaInput" in chunk && { inputSchemaInput: chunk["inputSchemaInput"] }),
    ...(chunk["isAutomatic"] === true && { isAutomatic: true }),
  };
}

function approvalId({ approval }: Part): unknown {
  return (approval as { id?: unknown } | undefined)?.id;
}

function respond(part: Part | undefined, chunk: ReadChunk): void {
  const { approved, reason, providerExecuted, providerMetadata } = chunk;
  assign(part, {
    state: "approval-responded",
    approval: { ...(part?.["approval"] as object | undefined), approved, ...given({ reason }) },
    ...given({ providerExecuted, callProviderMetadata: providerMetadata }),
  });
}

function assign(part: Part | undefined, fields: Record<string, unknown>): void {
  if (part) Object.assign(part, fields);
}

/**
 * A call as it is kept. If the model hadn't finished to write its input, the call is left out: providers refuse half an input.
 * If its answer broke off before the result, the call gets an error for a result: without one, the next question would be
 * refused. An answer that is done may well leave a call to the page.
 */
export function closedCall(part: Part, end: EndKind): Part[] {
  const { state } = part;
  if (state === "input-streaming") return [];
  const isApproved = state === "approval-responded" && (part["approval"] as { approved?: unknown }).approved;
  // An approval that nobody has answered is none that the next question could still wait for.
  const lacksResult = state === "input-available" || state === "approval-requested" || isApproved;
  if (end === "done" || !lacksResult) return [part];
  return [{ ...part, state: "output-error", errorText: `No result: the answer ended before it (${end}).` }];
}
