// Run in a process of its own, with a block's file: calls its request handlers as a server would, and prints the answers.

import { randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";

type Handler = (request: Request) => Promise<Response>;

interface Handlers {
  GET: Handler;
  POST?: Handler;
  DELETE?: Handler;
}

export interface HandlerAnswers {
  produced: string;
  /** From offset 5. */
  followed: string;
  /** The status of a request after the stream's end. */
  statusWhenDone: number;
  /** What a stream gave that was stopped after its first piece; absent where the block can't stop. */
  stopped?: { text: string; status: number };
}

const [file = ""] = process.argv.slice(2);
const handlers = (await import(pathToFileURL(file).href)) as Handlers;
process.stdout.write(JSON.stringify(await callAll()), () => {
  // As a server's process, it would stay: its context keeps its clients.
  process.exit();
});

async function callAll(): Promise<HandlerAnswers> {
  const { GET, POST = GET, DELETE } = handlers;
  const { id, response: first } = await ask(POST);
  const second = await GET(request(id, 5));
  const [produced, followed] = (await Promise.all([first.text(), second.text()])).map(bareText);
  const { status: statusWhenDone } = await GET(request(id));
  const answers = { produced: produced ?? "", followed: followed ?? "", statusWhenDone };
  return DELETE ? { ...answers, stopped: await stopEarly(POST, DELETE) } : answers;
}

async function stopEarly(POST: Handler, DELETE: Handler): Promise<{ text: string; status: number }> {
  const { id, response } = await ask(POST);
  let text = "";
  let status = 0;
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece;
    if (status === 0) ({ status } = await DELETE(request(id)));
  }
  return { text: bareText(text), status };
}

/** Without what a response adds to the text: ids and comments. */
function bareText(text: string): string {
  return text.replace(
    /^: resumable-stream (?:offset=\d+|caught-up)\n\n|^: resumable-stream[^\n]*\n|^id: \d+\n/gm,
    "",
  );
}

/** Asks as the README's page does. The answer says where it is resumed. */
async function ask(POST: Handler): Promise<{ id: string; response: Response }> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ prompt: randomUUID() });
  const response = await POST(new Request("http://localhost/", { method: "POST", headers, body }));
  const place = new URL(response.headers.get("content-location") ?? "", "http://localhost/");
  return { id: place.searchParams.get("id") ?? "", response };
}

function request(id: string, offset = 0): Request {
  return new Request(`http://localhost/?id=${encodeURIComponent(id)}&resumeAt=${offset}`);
}
