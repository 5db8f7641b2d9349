// Programs of users compile against the built package.

import type ts from "typescript";
import { describe, expect, test } from "vitest";
import { bundled, errorsOfFiles, root } from "./compile.ts";

const projects: [name: string, options: ts.CompilerOptions][] = [
  ["Node's resolution", {}],
  ["a bundler's resolution", bundled],
  ["exactOptionalPropertyTypes", { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }],
];

const published: ts.CompilerOptions = {
  paths: Object.fromEntries(
    ["", "/redis", "/ioredis", "/generic"].map((entry) => [
      `resumable-stream${entry}`,
      [`${root}node_modules/published-resumable-stream/dist${entry || "/index"}.d.ts`],
    ]),
  ),
};

describe.each(projects)("under %s", (_name, options) => {
  test("a program for the published package compiles unchanged", () => {
    expect(errorsOfFiles([program("published-api")], options)).toEqual([]);
  });

  test("our additions can be used as documented", () => {
    expect(errorsOfFiles([program("our-api")], options)).toEqual([]);
  });
});

test(
  "node-redis 4, 5, 6 and ioredis 5, 6 clients are accepted, cluster clients too",
  { timeout: 90_000 },
  () => {
    // Five clients' declarations take the compiler a while.
    expect(errorsOfFiles([program("clients")])).toEqual([]);
  },
);

test("pg's Pool and a PGlite instance are accepted", () => {
  expect(errorsOfFiles([program("postgres-clients")])).toEqual([]);
});

test("only where Redis keeps the text may a stream have failed, and are there options for it", () => {
  expect(errorsOfFiles([program("keep-text")])).toEqual([]);
});

test("the program for the published package compiles against the published package", () => {
  expect(errorsOfFiles([program("published-api")], published)).toEqual([]);
});

test("our declarations need no client's types, and no Node types", () => {
  const entries = [
    "index",
    "redis",
    "ioredis",
    "generic",
    "memory",
    "http",
    "client",
    "transport",
    "testing",
  ].map((name) => `${root}dist/${name}.d.ts`);
  expect(errorsOfFiles(entries, { types: [], skipLibCheck: false })).toEqual([]);
});

function program(name: string): string {
  return `${root}test/types/programs/${name}.ts`;
}
