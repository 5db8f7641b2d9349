// The page: two devices that read one answer. Its id is in the URL, so that a reload or another tab finds the same answer.

import { type Status, type Store, traits } from "../stores.ts";
import { Cable } from "./cable.ts";
import { count, element, onPress } from "./elements.ts";
import { Pane } from "./pane.ts";
import { read, readPublished } from "./reading.ts";

const NAMES = ["phone", "laptop"] as const;
const SERVERS = ["A", "B"] as const;

const isFresh = location.hash === "";
const choice = element<HTMLSelectElement>("store");
const wanted = new URLSearchParams(location.search);
const [chosen, known, how] = location.hash.slice(1).split(":");
choice.value = chosen || wanted.get("store") || choice.value;
const store = choice.value as Store;
const id = known ?? crypto.randomUUID();
const hasPublished = store === "redis";
const isSplit = hasPublished && (how === "split" || (isFresh && wanted.has("split")));
history.replaceState(null, "", `/#${store}:${id}${isSplit ? ":split" : ""}`);

const { keepsText, counted } = traits[store];
const death = keepsText ? "failed: its text is kept" : "lost: its server died";

class Device {
  readonly name: (typeof NAMES)[number];
  readonly ours: Pane;
  readonly cable: Cable;
  readonly #published: Pane;
  readonly #panes: Pane[];
  /** The server that it was sent to last; absent before the first. */
  #server: number | undefined;
  /** Text can still come to it. */
  isOpen = true;

  constructor(number: 1 | 2) {
    this.name = NAMES[number - 1] ?? "phone";
    this.ours = new Pane(String(number));
    this.#published = new Pane(`published-${number}`);
    this.#panes = isSplit ? [this.ours, this.#published] : [this.ours];
    this.cable = new Cable(number, { name: this.name, onChange: () => this.#onCable() });
  }

  start(method: "GET" | "POST"): void {
    const { cable, name } = this;
    const onAnswer = ({ headers }: Response): void => {
      const index = Number(headers.get("demo-server"));
      this.#server = index;
      cable.leadTo(placeOf(index));
      const from = this.ours.text.length;
      log(`${name}: server ${SERVERS[index]} ${from > 0 ? `goes on at ${count(from)}` : "answers"}`);
      this.ours.expect("reading");
    };
    const about = `id=${id}&device=${cable.device}`;
    const reading = { method, cable, death };
    const url = (from: string): string => `/stream?store=${from}&${about}`;
    void read({ ...reading, url: url(store), pane: this.ours, onAnswer }).finally(() => {
      this.isOpen = false;
    });
    const beside = { ...reading, url: url("published"), pane: this.#published, onAnswer: () => undefined };
    // A moment later, so that it is sent to the same server.
    if (isSplit) setTimeout(() => void readPublished(beside), 100);
  }

  tick({ servers, total }: Status): void {
    for (const pane of this.#panes) pane.tick(total);
    const isServed = this.#server !== undefined && servers[this.#server]?.pid !== undefined;
    this.cable.carry(isServed && this.isOpen && !this.cable.isOut && !this.ours.isWaiting);
  }

  #onCable(): void {
    const { isOut } = this.cable;
    log(`${this.name}: its cable is ${isOut ? "out" : "in again"}`);
    for (const pane of this.#panes) pane.onCable(isOut);
  }
}

/** Where a server stands, in percent of the width. */
function placeOf(index: number): number {
  if (document.body.dataset["servers"] === "1") return 50;
  return index === 0 ? 25 : 75;
}

function log(message: string): void {
  const row = document.createElement("li");
  row.textContent = message;
  element("log").append(row);
}

async function sha256(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Holds what both devices show against what the source has said. */
async function refresh(): Promise<void> {
  const texts = devices.map(({ ours }) => ours.text);
  const lengths = texts.map(({ length }) => length);
  const response = await fetch(`/status?id=${id}&lengths=${lengths.join(",")}`);
  const status = (await response.json()) as Status;
  showServers(status.servers);
  showCost(status.cost);
  for (const device of devices) device.tick(status);
  // A word may be shown before the front has heard of it; the next look has it.
  if (status.hashes.some((hash) => hash === undefined)) return;
  const hashes = await Promise.all(texts.map(sha256));
  const isEqual = hashes.every((hash, index) => hash === status.hashes[index]);
  const isWhole = devices.every(({ isOpen }) => !isOpen) && lengths.every((length) => length === status.said);
  const verdict = isEqual ? (isWhole ? "equal" : "equal so far") : "DIFFERENT";
  const shown = NAMES.map((name, index) => `${name} ${count(lengths[index] ?? 0)}`);
  const proof = element("proof");
  const parts = [`source ${count(status.said)}`, ...shown, `sha256 ${verdict}`];
  // A line ends between two of them.
  const spans = parts.map((part) => Object.assign(document.createElement("span"), { textContent: part }));
  proof.replaceChildren(...spans.flatMap((span, index) => (index > 0 ? [" · ", span] : [span])));
  proof.classList.toggle("different", !isEqual);
}

function showServers(servers: Status["servers"]): void {
  document.body.dataset["servers"] = String(servers.length);
  for (const [index, { pid, produces }] of servers.entries()) {
    const box = element(`server-${index + 1}`);
    box.classList.toggle("dead", pid === undefined);
    box.classList.toggle("produces", produces);
    const role = produces ? "writes the answer" : `process ${pid}`;
    element(`role-${index + 1}`).textContent = pid === undefined ? "killed; starts again" : role;
    element<HTMLButtonElement>(`kill-${index + 1}`).disabled = pid === undefined;
  }
}

function showCost(cost: Status["cost"]): void {
  const parts = counted
    ? [`${count(cost[counted.server])} ${counted.name} for this answer`]
    : ["No server is asked"];
  if (isSplit) parts.push(`2.2.13: ${count(cost.published)}`);
  element("cost").textContent = parts.join(" · ");
}

function again(change: { split: boolean; store?: string }): void {
  location.assign(`/?store=${change.store ?? store}${change.split ? "&split" : ""}`);
}

document.body.classList.toggle("split", isSplit);
const devices = ([1, 2] as const).map((number) => new Device(number));
for (const [index, name] of SERVERS.entries()) {
  onPress(`kill-${index + 1}`, () => {
    log(`server ${name} is killed`);
    return fetch(`/kill?server=${index}`, { method: "POST" });
  });
}
onPress("reload", () => location.reload());
onPress("viewer", () => window.open(location.href, "_blank"));
onPress("stop", () => fetch(`/stream?store=${store}&id=${id}`, { method: "DELETE" }));
onPress("again", () => again({ split: isSplit }));
const compare = element<HTMLButtonElement>("split");
compare.disabled = !hasPublished;
if (!hasPublished) compare.textContent = "Beside 2.2.13: needs Redis";
compare.setAttribute("aria-pressed", String(isSplit));
onPress("split", () => again({ split: !isSplit }));
choice.addEventListener("change", () => again({ split: isSplit, store: choice.value }));

// The demo may have been ended: what was shown last stays.
const look = (): void => void refresh().catch((error: unknown) => console.warn(error));
setInterval(look, 500);
look();

const [phone, laptop] = devices;
phone?.start(isFresh ? "POST" : "GET");
// A little late, so that it has missed something.
setTimeout(() => laptop?.start("GET"), isFresh ? 2_000 : 0);
