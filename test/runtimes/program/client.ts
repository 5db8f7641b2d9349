// resumableFetch against a real server, which cuts connections as the path of a request tells it to.

import { endOf, resumableFetch, ResumableFetchError } from "resumable-stream/client";
import type { Runner } from "resumable-stream/testing";

export function describeClient(runner: Runner, origin: string): void {
  const url = (scenario: string): string => `${origin}/${scenario}/${crypto.randomUUID()}`;
  const promise = (name: string, run: () => Promise<void>): void => void runner.test(name, run, 60_000);

  runner.describe("client", () => {
    for (const format of ["events", "text"]) {
      promise(`${format}: over eight cuts the body has every character once`, async () => {
        const response = await resumableFetch(url(`cut-${format}`));
        const body = await response.text();
        const numbers = [...body.matchAll(/^data: (\d+) 🌊$/gm)].map(([, number]) => Number(number));
        same(numbers.join(), Array.from({ length: 100 }, (_, number) => number).join());
        if (format === "text") same(body.length, numbers.join("").length + numbers.length * 11);
        same(await endOf(response), "done");
      });
    }

    promise("a stopped stream closes the body", async () => {
      const response = await resumableFetch(url("stopped"));
      same((await response.text()).includes("data: 0"), true);
      same(await endOf(response), "stopped");
    });

    for (const [scenario, code, end] of [
      ["failed", "SOURCE_FAILED", "failed"],
      ["lost", "PRODUCER_LOST", "lost"],
      ["missed", "MISSED_END", undefined],
      ["refused", "REFUSED", undefined],
    ] as const) {
      promise(`${scenario}: the body errors with ${code}`, async () => {
        const response = await resumableFetch(url(scenario));
        same(await codeOf(response), code);
        same(await endOf(response), end);
      });
    }

    promise("an abort errors the body with its reason", async () => {
      const abort = new AbortController();
      const response = await resumableFetch(url("endless"), { signal: abort.signal });
      const reader = response.body?.getReader();
      await reader?.read();
      const reason = new Error("the page is gone");
      abort.abort(reason);
      same(await rejectionOf(reader), reason);
    });

    promise("the first answer is as fetch gives it", async () => {
      same((await resumableFetch(url("absent"))).status, 204);
    });
  });
}

async function codeOf(response: Response): Promise<string> {
  const error = await rejectionOf(response.body?.getReader());
  return error instanceof ResumableFetchError ? error.code : `no code: ${String(error)}`;
}

async function rejectionOf(reader: ReadableStreamDefaultReader | undefined): Promise<unknown> {
  try {
    for (let isDone = false; !isDone;) isDone = (await reader?.read())?.done !== false;
    return "the body closed";
  } catch (error) {
    return error;
  }
}

function same(actual: unknown, expected: unknown): void {
  if (!Object.is(actual, expected)) throw new Error(`expected ${String(expected)}, got ${String(actual)}`);
}
