// A deploy: two processes are replaced one after the other, in mid-answer, behind a balancer.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { endOf, ResumableFetchError, resumableFetch } from "../../src/client.ts";
import { Balancer } from "../support/balancer.ts";
import { freePort } from "../support/free-port.ts";
import { createDatabase } from "../support/postgres-database.ts";
import { setUpTables } from "../support/postgres-tables.ts";
import { until, within } from "../support/wait.ts";

const program = fileURLToPath(new URL("../support/rolling-server.ts", import.meta.url));
const DRAIN_MS = 2_000;
/** A reader that moves has its text again within this time. */
const LONGEST_GAP_MS = 1_000;

class ServerProcess {
  readonly name: string;
  readonly port: number;
  readonly exited: Promise<unknown>;
  stderr = "";
  readonly #child: ChildProcess;
  readonly #finishFile: string;

  private constructor(name: string, port: number, env: NodeJS.ProcessEnv) {
    this.name = name;
    this.port = port;
    this.#finishFile = env["FINISH_FILE"] ?? "";
    this.#child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), program], {
      env: { ...process.env, ...env, NAME: name, PORT: String(port), DRAIN_MS: String(DRAIN_MS) },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child.stderr?.on("data", (data: Buffer) => (this.stderr += data.toString()));
    this.exited = once(this.#child, "exit").then(([code, signal]: unknown[]) => code ?? signal);
  }

  static async start(name: string, env: NodeJS.ProcessEnv): Promise<ServerProcess> {
    const finishFile = join(folder, `${name}-${env["KEY_PREFIX"]}`);
    const server = new ServerProcess(name, await freePort(), { ...env, FINISH_FILE: finishFile });
    const isUp = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${server.port}/up`).then(
        ({ status }) => status === 204,
        () => false,
      );
    await until(isUp, { what: `${name} to listen`, withinMs: 30_000 });
    return server;
  }

  /** Lets the answers end here that aren't long. */
  finish(): Promise<void> {
    return writeFile(this.#finishFile, "");
  }

  terminate(): void {
    this.#child.kill("SIGTERM");
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

/** `fetch` on a connection of its own, which the balancer sends where a test says: Node's keeps and opens spare ones. */
async function fetchAlone(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  const { method = "GET", signal } = init;
  const url = input instanceof Request ? input.url : input;
  const sent = request(url, { method, agent: false, ...(signal && { signal }) }).end();
  const [incoming] = (await once(sent, "response")) as [IncomingMessage];
  // Aborted, nobody waits for it any more.
  incoming.on("error", () => undefined);
  const headers = incoming.headers as Record<string, string>;
  const body = incoming.statusCode === 200 ? Readable.toWeb(incoming) : incoming.resume() && null;
  return new Response(body as ReadableStream | null, { status: incoming.statusCode ?? 500, headers });
}

class Reader {
  readonly id: string;
  /** That answered, in order. */
  readonly processes: string[] = [];
  requests = 0;
  text = "";
  longestGapMs = 0;
  /** `clean`, or the error's code, and how the stream ended. Absent while it reads. */
  end: string | undefined;
  #heardAt = performance.now();

  private constructor(id: string) {
    this.id = id;
  }

  static async open(url: string, id: string, method: "GET" | "POST"): Promise<Reader> {
    const reader = new Reader(id);
    const place = `${url}/answers?id=${id}`;
    const response = await resumableFetch(place, {
      method,
      resumeUrl: place,
      fetch: async (...asked) => {
        reader.requests += 1;
        const answer = await fetchAlone(...asked);
        reader.processes.push(answer.headers.get("x-process") ?? `status ${answer.status}`);
        return answer;
      },
    });
    void reader.#read(response);
    return reader;
  }

  /** The process that it is connected to. */
  get process(): string | undefined {
    return this.processes.at(-1);
  }

  get data(): string[] {
    return [...this.text.matchAll(/^data: (.+)$/gm)].map(([, data = ""]) => data);
  }

  async #read(response: Response): Promise<void> {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let how = "clean";
    try {
      for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
        this.text += next.value;
        const now = performance.now();
        this.longestGapMs = Math.max(this.longestGapMs, now - this.#heardAt);
        this.#heardAt = now;
      }
    } catch (error) {
      how = error instanceof ResumableFetchError ? error.code : String(error);
    }
    this.end = `${how} ${await endOf(response)}`;
  }
}

interface Answer {
  id: string;
  producer: string;
  readers: Reader[];
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rolling-"));
});

afterAll(() => rm(folder, { recursive: true }));

async function openStore(name: string): Promise<{ env: NodeJS.ProcessEnv } & AsyncDisposable> {
  const KEY_PREFIX = crypto.randomUUID();
  if (name === "Redis") {
    const env = { KEY_PREFIX, POSTGRES_URL: "", REDIS_URL: inject("redisUrl") };
    return { env, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const database = await createDatabase(inject("postgresUrl"));
  await setUpTables(database.url);
  const env = { KEY_PREFIX, POSTGRES_URL: database.url };
  return { env, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
}

/** Answers that are produced by either process, each with its original reader and one that follows it, from either. */
async function openAnswers(
  balancer: Balancer,
  [one, other]: [ServerProcess, ServerProcess],
  ids: readonly string[],
): Promise<Answer[]> {
  const open = (id: string, method: "GET" | "POST", { port }: ServerProcess): Promise<Reader> =>
    balancer.pin(port, () => Reader.open(balancer.url, id, method));
  const answers: Answer[] = [];
  for (const [index, id] of ids.entries()) {
    const producer = index % 2 === 0 ? one : other;
    const readers = [await open(id, "POST", producer), await open(id, "GET", index % 4 < 2 ? one : other)];
    answers.push({ id, producer: producer.name, readers });
  }
  const readers = answers.flatMap((answer) => answer.readers);
  await until(() => readers.every(({ data }) => data.length > 5), { what: "text for all" });
  expect(answers.map(({ producer }) => producer)).toEqual(
    answers.map(({ readers: [original] }) => original?.process),
  );
  return answers;
}

const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, () => `${name}-${crypto.randomUUID()}`);

describe.each(["Redis", "Postgres"])("over %s", (storeName) => {
  test("a rolling restart cuts no answer that ends within the drain, and tells all readers of the others the same, once", async () => {
    await using store = await openStore(storeName);
    await using balancer = await Balancer.start();
    const servers: ServerProcess[] = [];
    const startServer = async (name: string): Promise<ServerProcess> => {
      const server = await ServerProcess.start(name, store.env);
      servers.push(server);
      balancer.add(server.port);
      return server;
    };
    try {
      const [first, second] = await Promise.all([startServer("first"), startServer("second")]);
      const ids = [...numbered("short", 6), ...numbered("long", 6)];
      const answers = await openAnswers(balancer, [first, second], ids);

      for (const old of [first, second]) {
        const ofOld = answers.filter(({ producer }) => producer === old.name);
        const others = answers.filter((answer) => !ofOld.includes(answer)).flatMap((each) => each.readers);
        const moving = others.filter(({ process, end }) => process === old.name && end === undefined);
        expect(moving.length).toBeGreaterThan(0);
        const before = new Map(moving.map((reader) => [reader, reader.data.length]));
        for (const reader of moving) reader.longestGapMs = 0;
        balancer.remove(old.port);
        old.terminate();

        // The stream of each goes on elsewhere, and so does it.
        const hasMoved = (reader: Reader): boolean =>
          reader.process !== old.name && reader.data.length > (before.get(reader) ?? 0) + 2;
        await until(() => moving.every(hasMoved), { what: "readers to move", withinMs: DRAIN_MS });
        expect(Math.max(...moving.map(({ longestGapMs }) => longestGapMs))).toBeLessThan(LONGEST_GAP_MS);
        await old.finish();
        const successor = await startServer(`${old.name}, replaced`);
        expect(await within(DRAIN_MS + 5_000, `${old.name} to exit`, old.exited)).toBe(0);
        await until(() => ofOld.every((each) => each.readers.every(({ end }) => end !== undefined)), {
          what: "the ends of its answers",
        });
        expect(old.stderr).toBe("");
        if (old === second) continue;
        answers.push(...(await openAnswers(balancer, [second, successor], numbered("short", 8))));
      }
      for (const server of servers) await server.finish();
      const readers = answers.flatMap((answer) => answer.readers);
      await until(() => readers.every(({ end }) => end !== undefined), { what: "all ends" });

      const told = readers.map(({ id, end }) => `${id.split("-")[0]}: ${end}`);
      expect(new Set(told)).toEqual(new Set(["short: clean done", "long: PRODUCER_LOST lost"]));
      for (const { id, readers: both } of answers) {
        const [original, follower] = both.map(({ data }) => data);
        const numbers = original?.filter((data) => data !== "whole") ?? [];
        expect(numbers).toEqual(numbers.map((_, index) => String(index)));
        expect(original?.at(-1) === "whole", id).toBe(id.startsWith("short"));
        expect(follower, id).toEqual(original);
      }
      // Nobody was cut off from an answer's own process, or had to ask twice to move.
      for (const { readers: both, producer } of answers) {
        const local = both.filter(({ processes }) => processes[0] === producer);
        expect(local.map(({ processes }) => processes)).toEqual(local.map(() => [producer]));
        expect(both.map(({ requests }) => requests)).toEqual(both.map(({ processes }) => processes.length));
        expect(both.flatMap(({ processes }) => processes).join()).not.toContain("status");
      }
    } finally {
      for (const server of servers) server.kill();
    }
  });
});
