// What a browser of the client's baseline lacks: Chrome and Edge 90, Firefox 90, Safari 15, as docs/client.md states it.
//
// By MDN's version tables (https://github.com/mdn/browser-compat-data: javascript/builtins/*.json and api/*.json): each name
// here came to at least one of these browsers later. Settings of a call, such as `cause`, can't be told by a name, and are ignored
// where they aren't known. `AbortSignal.prototype.reason` (98, 97, 15.4) is read in one place, which does without it.

import ts from "typescript";

/** Of any object: no code of ours may call its own so. */
const MEMBERS = [
  // Array, String and typed arrays: at 92, 90, 15.4; findLast 97, 104, 15.4; the copying ones 110, 115, 16.
  ["at", "findLast", "findLastIndex", "toReversed", "toSorted", "toSpliced"],
  // String: isWellFormed 111, 119, 16.4.
  ["isWellFormed", "toWellFormed"],
  // RegExp: hasIndices 90, 88, 15; unicodeSets 112, 116, 17.
  ["unicodeSets"],
  // Set: union and the like 122, 127, 17. Iterator helpers 122, 131, 18.4. Map: getOrInsert of 2025.
  [
    "union",
    "intersection",
    "difference",
    "symmetricDifference",
    "isSubsetOf",
    "isSupersetOf",
    "isDisjointFrom",
  ],
  ["drop", "flatMap", "take", "getOrInsert", "getOrInsertComputed"],
  // ArrayBuffer: resize, transfer 111 and 114, 128 and 122, 16.4 and 17.4. Uint8Array: toBase64, toHex of 2025.
  ["resize", "transfer", "transferToFixedLength", "toBase64", "toHex", "setFromBase64", "setFromHex"],
  // AbortSignal: throwIfAborted 100, 97, 15.4.
  ["throwIfAborted"],
  // Headers: getSetCookie 113, 112, 17. Response and Request: bytes 132, 128, 18. URLSearchParams: size 113, 112, 17.
  ["getSetCookie", "bytes"],
  // ReadableStream: pipeThrough 59, 102, 10.1; pipeTo 59, 100, 10.1. Crypto: randomUUID 92, 95, 15.4.
  ["pipeThrough", "pipeTo", "randomUUID"],
  // Element and the like have none of the client's; navigator: locks 69, 96, 15.4; userActivation 72, 120, 16.4.
  ["locks", "userActivation", "checkVisibility"],
].flat();

/** Of the named object. */
const STATICS = [
  // 93, 92, 15.4; 117, 119, 17.4.
  ["Object.hasOwn", "Object.groupBy", "Map.groupBy"],
  // 121, 115, 16.4; 119, 121, 17.4; 128, 134, 18.2.
  ["Array.fromAsync", "Promise.withResolvers", "Promise.try"],
  // 93, 88, 15; 116, 124, 17.4; 103, 100, 16.
  ["AbortSignal.abort", "AbortSignal.any", "AbortSignal.timeout"],
  // 120, 115, 17; 126, 126, 18.
  ["URL.canParse", "URL.parse"],
  // 124, 110, none; 105, 115, 17.
  ["ReadableStream.from", "Response.json"],
  // 133, 133, 18.2; 136, 134, 18.2; 135, 138, 26.
  ["Uint8Array.fromBase64", "Uint8Array.fromHex", "RegExp.escape", "Error.isError", "Iterator.from"],
].flat();

const GLOBALS = [
  // 98, 94, 15.4; 95, 93, 15.4; 129, none, none.
  ["structuredClone", "reportError", "scheduler"],
  // 71, 105, 14.1; 80, 113, 16.4; 67, 102, 14.1; 59, 100, 14.1; 89, 102, none.
  [
    "TextDecoderStream",
    "TextEncoderStream",
    "TransformStream",
    "WritableStream",
    "ReadableByteStreamController",
  ],
  ["CompressionStream", "DecompressionStream"],
  // Safari: 15.4, 15.4; then 122, 131, 18.4; and those of 2024 and later.
  ["BroadcastChannel", "LockManager", "Iterator", "Temporal", "URLPattern", "Float16Array"],
  ["DisposableStack", "AsyncDisposableStack", "SuppressedError", "requestIdleCallback", "SharedWorker"],
].flat();

/** The names in a script that a browser of the baseline lacks. */
export function youngerThanBaseline(code: string): string[] {
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.name)) {
      const name = node.name.text;
      const full = `${ts.isIdentifier(node.expression) ? node.expression.text : ""}.${name}`;
      if (MEMBERS.includes(name)) found.add(name);
      if (STATICS.includes(full)) found.add(full);
      if (full === `globalThis.${name}` && GLOBALS.includes(name)) found.add(name);
    }
    // `for await (… of stream)`: 124, 110, none. Lookbehind: 62, 78, 16.4. Class static blocks: 94, 93, 16.4.
    if (ts.isForOfStatement(node) && node.awaitModifier) found.add("for await");
    if (ts.isRegularExpressionLiteral(node) && /\(\?<[=!]/.test(node.text)) found.add("lookbehind");
    if (ts.isClassStaticBlockDeclaration(node)) found.add("static block");
    const isName = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node;
    if (ts.isIdentifier(node) && !isName && GLOBALS.includes(node.text)) found.add(node.text);
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(ts.createSourceFile("bundle.js", code, ts.ScriptTarget.Latest, true), visit);
  return [...found];
}
