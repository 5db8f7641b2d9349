// How the page reads answers, and stops them. The server names each answer; the page asks for that one alone, so that no
// other text is ever appended to it, and a late press of Stop stops no other.

import { DefaultChatTransport, type UIMessage } from "ai";
import { resumableFetch } from "resumable-stream/client";

export interface Answers {
  transport: DefaultChatTransport<UIMessage>;
  load: () => Promise<UIMessage[]>;
  /** Whether a connection broke since this was asked last: what went on meanwhile, another device may have done. */
  wasCut: () => boolean;
  /** Stops the model, and with it the stream of every tab. */
  stop: () => Promise<Response>;
}

/** `onNone`: there was no answer to resume; these are the messages, one of which may have ended meanwhile. */
export function createAnswers(id: string, onNone: (messages: UIMessage[]) => void): Answers {
  const chatUrl = `/api/chat/${encodeURIComponent(id)}`;
  let current = "";
  let sends = 0;
  let isCut = false;
  const streamUrl = (stream: string, position?: string): string =>
    `${chatUrl}/stream?${new URLSearchParams({ stream, ...(position && { resumeAt: position }) })}`;

  const load = async (): Promise<UIMessage[]> => {
    const response = await fetch(chatUrl);
    if (!response.ok) throw new Error(`The chat can't be loaded: status ${response.status}.`);
    return (await response.json()) as UIMessage[];
  };

  const read: typeof fetch = async (input, init) => {
    let own = "";
    const resumeUrl = (_offset: number, position: string): string => {
      isCut = true;
      return streamUrl(own, position);
    };
    const response = await resumableFetch(input, { ...init, resumeUrl });
    own = response.headers.get("stream-id") ?? "";
    // Not by the 204 of the page's load, which may come after a message was sent.
    if (response.status === 200) current = own;
    if (response.status === 204) {
      const before = sends;
      const messages = await load();
      // What was sent meanwhile isn't among them.
      if (sends === before) onNone(messages);
    }
    return response;
  };

  const transport = new DefaultChatTransport({
    fetch: read,
    // The last message only: the server has the others.
    prepareSendMessagesRequest: ({ messages, trigger }) => {
      sends += 1;
      return { body: { id, message: trigger === "submit-message" ? messages.at(-1) : null } };
    },
    prepareReconnectToStreamRequest: () => ({ api: `${chatUrl}/stream` }),
  });

  const stop = (): Promise<Response> => fetch(streamUrl(current), { method: "DELETE" });
  const wasCut = (): boolean => {
    const was = isCut;
    isCut = false;
    return was;
  };
  return { transport, load, wasCut, stop };
}
