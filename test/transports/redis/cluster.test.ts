// What is told from what of clusters: lists of nodes, and answers that pass.

import { describe, expect, test } from "vitest";
import { type Clock, systemClock } from "../../../src/lib/clock.ts";
import { repeated } from "../../../src/transports/redis/cluster-answers.ts";
import { clusterNodes } from "../../../src/transports/redis/cluster-nodes.ts";

describe("REDIS_URL", () => {
  test.each([
    "redis://host",
    "redis://u:p@host:7000/1",
    "rediss://:pa,ss@host:7000",
    "redis://:p,redis@host",
  ])("%s is a single server", (url) => {
    expect(clusterNodes(url)).toBeUndefined();
  });

  test("with several URLs it lists nodes, whose user, password and TLS are for all", () => {
    expect(clusterNodes("rediss://u:p%40ss@a:1, rediss://u:p%40ss@b:2")).toEqual({
      urls: ["rediss://u:p%40ss@a:1", "rediss://u:p%40ss@b:2"],
      username: "u",
      password: "p@ss",
      isSecure: true,
    });
  });

  test("with a comma behind one URL it is a list of one", () => {
    expect(clusterNodes("redis://a:1,")).toEqual({ urls: ["redis://a:1"], isSecure: false });
  });

  test.each(["redis://:one@a:1,redis://:two@b:2", "redis://a:1,rediss://a:2", "redis://a:x,redis://b:1"])(
    "%s is refused by a TypeError without a password",
    (url) => {
      expect(() => clusterNodes(url)).toThrow(TypeError);
      expect(() => clusterNodes(url)).not.toThrow(/one|two/);
    },
  );
});

describe("an answer of a cluster on the move", () => {
  /** Each wait is over at once, and takes its time. */
  function hastyClock(): Clock {
    let now = 0;
    return {
      ...systemClock,
      now: () => now,
      after: (delayMs, callback) => {
        now += delayMs;
        queueMicrotask(callback);
        return () => undefined;
      },
    };
  }

  test.each([
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "CLUSTERDOWN The cluster is down",
    "MOVED 1 127.0.0.1:7000",
    "ASK 1 127.0.0.1:7000",
    "Too many Cluster redirections. Last error: ReplyError: CLUSTERDOWN The cluster is down",
  ])("%s: the command is sent again until it is answered", async (message) => {
    let sent = 0;
    const answer = await repeated(
      async () => {
        sent += 1;
        if (sent < 5) throw new Error(message);
        return "answer";
      },
      { clock: hastyClock() },
    );
    expect([answer, sent]).toEqual(["answer", 5]);
  });

  test("is repeated for 3 s and no longer", async () => {
    const clock = hastyClock();
    const refused = repeated(() => Promise.reject(new Error("TRYAGAIN")), { clock });
    await expect(refused).rejects.toThrow("TRYAGAIN");
    expect(clock.now()).toBeGreaterThanOrEqual(3_000);
    expect(clock.now()).toBeLessThan(4_000);
  });

  test.each(["NOPERM no", "ERR wrong", "WRONGTYPE"])("%s is no such answer", async (message) => {
    let sent = 0;
    const refused = repeated(
      () => {
        sent += 1;
        return Promise.reject(new Error(message));
      },
      { clock: hastyClock() },
    );
    await expect(refused).rejects.toThrow(message);
    expect(sent).toBe(1);
  });
});
