// A caller's mistake is a TypeError that names the argument.

import type { CommonOptions } from "../../api/common-options.ts";
import type { MakeStream } from "../../api/types.ts";
import { equal, expectSameText, expectTypeError } from "../assert.ts";
import { freshId, type Contract } from "../contract.ts";
import { manualSource, mustNotProduce, sourceOf } from "../manual-source.ts";
import { readWhole } from "../reading.ts";
import { section, type Section } from "../section.ts";

const BAD_IDS: unknown[] = ["", undefined, null, 42, {}, ["id"]];
const BAD_OFFSETS: unknown[] = [-1, 0.5, Number.NaN, Infinity, "3x", {}];
const BAD_SOURCES: unknown[] = [undefined, null, "text", new ReadableStream()];

const BAD_OPTIONS: { option: keyof CommonOptions; values: unknown[] }[] = [
  { option: "waitUntil", values: [42, "after", {}] },
  { option: "keyPrefix", values: [42, null, {}, "\ud800"] },
  { option: "retentionSeconds", values: [0, -1, Number.NaN, "60", null] },
  { option: "ackTimeoutMs", values: [-1, Number.NaN, "1000", null] },
  { option: "livenessMs", values: [-1, Number.NaN, "1000", null] },
  { option: "claimTimeoutMs", values: [-1, Number.NaN, "1000", null] },
  { option: "lingerMs", values: [-1, Number.NaN, "1000", null] },
  { option: "whenUnavailable", values: ["wait", true, null] },
  { option: "onError", values: ["log", {}, null] },
  { option: "onEvent", values: ["log", {}, null] },
];

export const argumentPromises: Section<Contract> = section("arguments", (promise) => {
  promise("a streamId that isn't a string, or is empty, is a TypeError in every call", async (contract) => {
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

  promise("a makeStream that isn't a function is a TypeError, and claims nothing", async (contract) => {
    const context = await contract.createContext();
    const id = freshId();
    for (const value of BAD_SOURCES) {
      await expectTypeError(context.resumableStream(id, value as MakeStream), "makeStream");
      await expectTypeError(context.createNewResumableStream(id, value as MakeStream), "makeStream");
    }
    equal(await context.hasExistingStream(id), null);
  });

  promise(
    "a skipCharacters that isn't a whole number from 0 up is a TypeError, and claims nothing",
    async (contract) => {
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
      equal(await context.hasExistingStream(id), null);
    },
  );

  for (const { option, values } of BAD_OPTIONS) {
    promise(`a bad ${option} is a TypeError when the context is made`, async (contract) => {
      for (const value of values) {
        const options = { [option]: value } as Partial<CommonOptions>;
        await expectTypeError(contract.createContext(options), option);
      }
    });
  }

  promise(
    "a waitUntil left out is null: untyped callers of the published library leave it out",
    async (contract) => {
      const options = { waitUntil: undefined } as unknown as Partial<CommonOptions>;
      const context = await contract.createContext(options);
      expectSameText(await readWhole(context.resumableStream(freshId(), sourceOf(["text"]))), "text");
    },
  );

  promise("a skipCharacters of null is as if it weren't given", async (contract) => {
    const context = await contract.createContext();
    const offset = null as unknown as number;
    equal(await context.resumeExistingStream(freshId(), offset), undefined);
  });

  promise("options that are undefined are as if they weren't given", async (contract) => {
    const names = BAD_OPTIONS.map(({ option }) => option).filter((option) => option !== "waitUntil");
    const options = Object.fromEntries(names.map((name) => [name, undefined])) as Partial<CommonOptions>;
    const context = await contract.createContext(options);
    equal(await context.hasExistingStream(freshId()), null);
  });

  promise("doneWatchdogIntervalMs is accepted, whatever it is", async (contract) => {
    for (const doneWatchdogIntervalMs of [5000, 0, Infinity]) {
      const context = await contract.createContext({ doneWatchdogIntervalMs });
      equal(await context.hasExistingStream(freshId()), null);
    }
  });
});
