// The page: two readers of one stream, each by resumableFetch. The id is in the URL, so that a reload or another viewer
// finds the same stream.

import { endOf, ResumableFetchError, resumableFetch } from "resumable-stream/client";
import { type Store, traits } from "./stores.ts";

/** A word older than this when it comes was said before, and is replayed. */
const LIVE_MS = 250;
/** Of the whole text, about: what a full bar is. */
const TOTAL = 14_750;

type Kind = "memory" | "replay" | "live";

/** A run of text that came the same way. */
interface Run {
  kind: Kind;
  from: number;
  row: HTMLElement;
  span: HTMLElement;
}

interface Word {
  word: string;
  at: number;
}

const isFresh = location.hash === "";
const choice = element<HTMLSelectElement>("store");
const [chosen, known] = location.hash.slice(1).split(":");
choice.value = chosen || new URLSearchParams(location.search).get("store") || choice.value;
const store = choice.value as Store;
const id = known ?? crypto.randomUUID();
history.replaceState(null, "", `/#${store}:${id}`);
const stream = `store=${store}&id=${id}`;

/** Told of each answer that a reader's connection gets. */
const watchers = new Map<string, (response: Response) => void>();
const plainFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const response = await plainFetch(input, init);
  const url = new URL(input instanceof Request ? input.url : input, location.href);
  watchers.get(url.searchParams.get("reader") ?? "")?.(response);
  return response;
};

/** How a stream ends whose process was killed. */
const death = traits[store].keepsText ? "failed: its text is kept" : "lost: its process died";

class Reader {
  readonly #id = crypto.randomUUID();
  readonly #status: HTMLElement;
  readonly #bar: HTMLElement;
  readonly #text: HTMLElement;
  readonly #timeline: HTMLElement;
  /** The latest; absent before the first, and after each new connection. */
  #run: Run | undefined;
  /** The connection leads to the process that produces. */
  #isAtProducer = false;
  #offset = 0;

  constructor(number: 1 | 2) {
    this.#status = element(`status-${number}`);
    this.#bar = element(`bar-${number}`);
    this.#text = element(`text-${number}`);
    this.#timeline = element(`timeline-${number}`);
    watchers.set(this.#id, (response) => this.#onAnswer(response));
  }

  async read({ method }: { method: "GET" | "POST" }): Promise<void> {
    const url = new URL(`/stream?${stream}&reader=${this.#id}`, location.href);
    try {
      const response = await resumableFetch(url, { method, resumeUrl: url });
      if (!response.body || response.status !== 200) return;
      let held = "";
      for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
        const events = (held + piece).split("\n\n");
        held = events.pop() ?? "";
        for (const event of events) this.#show(event);
      }
      this.#say((await endOf(response)) ?? "cut off");
    } catch (error) {
      const code = error instanceof ResumableFetchError ? error.code : "cut off";
      const isDead = code === "PRODUCER_LOST" || code === "SOURCE_FAILED";
      this.#say(isDead ? death : code);
    }
  }

  async drop(): Promise<void> {
    await plainFetch(`/drop?reader=${this.#id}`, { method: "POST" });
    this.#say("dropped");
  }

  #say(status: string): void {
    this.#status.textContent = status;
  }

  #onAnswer({ headers, status }: Response): void {
    this.#run = undefined;
    this.#isAtProducer = headers.get("demo-produces") === "true";
    const place = `at ${headers.get("stream-offset")}, process ${headers.get("demo-process")}`;
    const streamStatus = headers.get("stream-status") ?? "";
    this.#addRow(status === 200 ? `connected ${place}` : `answered ${status}, ${streamStatus}`);
    this.#say(status === 200 ? "reading" : streamStatus);
  }

  #show(event: string): void {
    const data = /^data: (.*)$/m.exec(event)?.[1];
    const end = /^id: (\d+)/m.exec(event)?.[1];
    if (data === undefined || end === undefined) return;
    const { word, at } = JSON.parse(data) as Word;
    this.#text.append(word);
    this.#text.scrollTop = this.#text.scrollHeight;
    const isLive = Date.now() - at < LIVE_MS;
    this.#extend(isLive ? (this.#isAtProducer ? "memory" : "live") : "replay", Number(end));
  }

  #extend(kind: Kind, to: number): void {
    if (this.#run?.kind !== kind) this.#run = this.#begin(kind);
    const { from, row, span } = this.#run;
    row.textContent = `${from}–${to} ${kind}`;
    span.style.width = `${((to - from) / TOTAL) * 100}%`;
    this.#offset = to;
  }

  #begin(kind: Kind): Run {
    const span = document.createElement("span");
    span.className = kind;
    this.#bar.append(span);
    return { kind, from: this.#offset, row: this.#addRow("", kind), span };
  }

  #addRow(message: string, kind: Kind | "" = ""): HTMLElement {
    const row = document.createElement("li");
    row.className = kind;
    row.textContent = message;
    this.#timeline.append(row);
    this.#timeline.scrollTop = this.#timeline.scrollHeight;
    return row;
  }
}

function element<T extends HTMLElement>(name: string): T {
  const found = document.querySelector<T>(`#${name}`);
  if (!found) throw new Error(`The page has no ${name}.`);
  return found;
}

function onPress(name: string, act: () => unknown): void {
  element(name).addEventListener("click", act);
}

async function showStatus(): Promise<void> {
  const response = await plainFetch("/status");
  const counts = (await response.json()) as Partial<Record<Store, number>>;
  const { counted } = traits[store];
  element("cost").textContent = counted ? `${counts[store]} ${counted} so far.` : "It asks no server.";
}

const [original, second] = [new Reader(1), new Reader(2)];
onPress("drop", () => original.drop());
onPress("reload", () => location.reload());
onPress("viewer", () => window.open(location.href, "_blank"));
onPress("stop", () => plainFetch(`/stream?${stream}`, { method: "DELETE" }));
onPress("kill", () => plainFetch(`/kill?${stream}`, { method: "POST" }));
onPress("again", () => location.assign(`/?store=${store}`));
choice.addEventListener("change", () => location.assign(`/?store=${choice.value}`));

// The demo may have been ended: what was shown last stays.
const refresh = (): void => void showStatus().catch((error: unknown) => console.warn(error));
setInterval(refresh, 1_000);
refresh();

void original.read({ method: isFresh ? "POST" : "GET" });
// A little late, so that there is something to replay.
setTimeout(() => void second.read({ method: "GET" }), isFresh ? 2_000 : 0);
