// A caller's mistake is a TypeError that names the argument.

import { describe, expect, test } from "vitest";
import type { CommonOptions, MakeStream } from "../../../src/api/types.ts";
import { freshId, type Contract } from "../contract.ts";
import { manualSource, mustNotProduce, sourceOf } from "../manual-source.ts";
import { expectSameText, readWhole, rejectionOf } from "../reading.ts";

const BAD_IDS: unknown[] = ["", undefined, null, 42, {}, ["id"]];
const BAD_OFFSETS: unknown[] = [-1, 0.5, Number.NaN, Infinity, "3", {}];
const BAD_SOURCES: unknown[] = [undefined, null, "text", new ReadableStream()];

const BAD_OPTIONS: { option: keyof CommonOptions; values: unknown[] }[] = [
  { option: "waitUntil", values: [42, "after", {}] },
  { option: "keyPrefix", values: [42, null, {}] },
  { option: "retentionSeconds", values: [0, -1, Number.NaN, "60", null] },
  { option: "ackTimeoutMs", values: [-1, Number.NaN, "1000", null] },
  { option: "livenessMs", values: [-1, Number.NaN, "1000", null] },
  { option: "claimTimeoutMs", values: [-1, Number.NaN, "1000", null] },
  { option: "lingerMs", values: [-1, Number.NaN, "1000", null] },
  { option: "whenUnavailable", values: ["wait", true, null] },
  { option: "onError", values: ["log", {}, null] },
  { option: "onEvent", values: ["log", {}, null] },
];

export function describeArguments(contract: Contract): void {
  describe("arguments", () => {
    test("a streamId that isn't a string, or is empty, is a TypeError in every call", async () => {
      const context = await contract.createContext();
      for (const value of BAD_IDS) {
        const id = value as string;
        await expectTypeError(context.resumableStream(id, mustNotProduce), "streamId");
        await expectTypeError(context.createNewResumableStream(id, mustNotProduce), "streamId");
        await expectTypeError(context.resumeExistingStream(id), "streamId");
        await expectTypeError(context.hasExistingStream(id), "streamId");
        await expectTypeError(context.stopStream(id), "streamId");
      }
    });

    test("a makeStream that isn't a function is a TypeError, and claims nothing", async () => {
      const context = await contract.createContext();
      const id = freshId();
      for (const value of BAD_SOURCES) {
        await expectTypeError(context.resumableStream(id, value as MakeStream), "makeStream");
        await expectTypeError(context.createNewResumableStream(id, value as MakeStream), "makeStream");
      }
      expect(await context.hasExistingStream(id)).toBeNull();
    });

    test("a skipCharacters that isn't a whole number from 0 up is a TypeError, and claims nothing", async () => {
      const context = await contract.createContext();
      const id = freshId();
      for (const value of BAD_OFFSETS) {
        const offset = value as number;
        await expectTypeError(
          context.resumableStream(id, manualSource().makeStream, offset),
          "skipCharacters",
        );
        await expectTypeError(context.resumeExistingStream(id, offset), "skipCharacters");
      }
      expect(await context.hasExistingStream(id)).toBeNull();
    });

    for (const { option, values } of BAD_OPTIONS) {
      test(`a bad ${option} is a TypeError when the context is made`, async () => {
        for (const value of values) {
          const options = { [option]: value } as Partial<CommonOptions>;
          await expectTypeError(contract.createContext(options), option);
        }
      });
    }

    test("a waitUntil left out is null: untyped callers of the published library leave it out", async () => {
      const options = { waitUntil: undefined } as unknown as Partial<CommonOptions>;
      const context = await contract.createContext(options);
      expectSameText(await readWhole(context.resumableStream(freshId(), sourceOf(["text"]))), "text");
    });

    test("a skipCharacters of null is as if it weren't given", async () => {
      const context = await contract.createContext();
      const offset = null as unknown as number;
      expect(await context.resumeExistingStream(freshId(), offset)).toBeUndefined();
    });

    test("options that are undefined are as if they weren't given", async () => {
      const names = BAD_OPTIONS.map(({ option }) => option).filter((option) => option !== "waitUntil");
      const options = Object.fromEntries(names.map((name) => [name, undefined])) as Partial<CommonOptions>;
      const context = await contract.createContext(options);
      expect(await context.hasExistingStream(freshId())).toBeNull();
    });

    test("doneWatchdogIntervalMs is accepted", async () => {
      const context = await contract.createContext({ doneWatchdogIntervalMs: 5000 });
      expect(await context.hasExistingStream(freshId())).toBeNull();
    });
  });
}

async function expectTypeError(call: Promise<unknown>, argument: string): Promise<void> {
  const error = await rejectionOf(call);
  expect(error).toBeInstanceOf(TypeError);
  expect(String(error)).toContain(argument);
}
