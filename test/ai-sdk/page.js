// A chat's page, as the documents show it. Bundled for each version of the AI SDK; what a test asks is on `window.chat`.

import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";
import { createElement, useState } from "react";
import { createRoot } from "react-dom/client";
import { resumableFetch } from "resumable-stream/client";

const parameters = new URLSearchParams(location.search);
const id = parameters.get("id");
const chatUrl = `/api/chat/${encodeURIComponent(id)}`;
const state = { finishes: [], errors: [], automatic: 0 };
// A 204 that arrives while an answer runs makes the SDK say "ready" in the middle of it (resumeStream sets the status
// whatever else goes on), so a test types only after the load's request was answered.
window.hasLoaded = false;

/** The answer that this page is reading, by the server's name for it. */
let answer = "";
let sends = 0;
const streamUrl = (position) => {
  const query = new URLSearchParams({ stream: answer });
  if (position) query.set("resumeAt", position);
  return `${chatUrl}/stream?${query}`;
};
const loadMessages = async () => (await fetch(chatUrl)).json();

function Chat({ stored }) {
  const [transport] = useState(() => {
    const readAnswer = async (input, init) => {
      const response = await resumableFetch(input, {
        ...init,
        maxAttempts: Number(parameters.get("attempts") ?? 10),
        resumeUrl: (_offset, position) => streamUrl(position),
      });
      // Not by the 204 of the page's load, which may come after a message was sent.
      if (response.status === 200) answer = decodeURIComponent(response.headers.get("stream-id") ?? "");
      // The answer that the page came for has ended since it loaded the messages.
      if (response.status === 204) {
        const before = sends;
        const loaded = await loadMessages();
        // Unless something was sent meanwhile, which isn't among them.
        if (sends === before)
          window.chat.setMessages((shown) => (shown.length > loaded.length ? shown : loaded));
      }
      window.hasLoaded = true;
      return response;
    };
    return new DefaultChatTransport({
      fetch: readAnswer,
      prepareSendMessagesRequest: ({ messages }) => {
        sends += 1;
        return { body: { id, message: messages.at(-1) } };
      },
      prepareReconnectToStreamRequest: () => ({ api: `${chatUrl}/stream` }),
    });
  });
  const chat = useChat({
    id,
    messages: stored,
    resume: true,
    transport,
    experimental_throttle: 50,
    experimental_queue: true,
    sendAutomaticallyWhen: ({ messages }) => {
      if (!parameters.has("automatic") || messages.at(-1)?.metadata?.stopped) return false;
      state.automatic += 1;
      return state.automatic === 1;
    },
    onFinish: ({ isAbort, isError, finishReason }) => state.finishes.push({ isAbort, isError, finishReason }),
    onError: async (error) => {
      state.errors.push(error.code ?? error.message);
      if (error.code !== "MISSED_END") return;
      window.chat.setMessages(await loadMessages());
      window.chat.clearError();
      void window.chat.resumeStream();
    },
  });
  const stop = () => {
    const stopped = fetch(streamUrl(), { method: "DELETE" });
    void chat.stop();
    return stopped.then(({ status }) => status);
  };
  const texts = chat.messages.map(({ parts }) =>
    parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
  );
  window.chat = { ...state, ...chat, status: chat.status, messages: chat.messages, texts, stop, streamUrl };
  return createElement("output", null, chat.status);
}

createRoot(document.body).render(createElement(Chat, { stored: await loadMessages() }));
