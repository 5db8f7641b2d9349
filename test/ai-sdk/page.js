// A chat's page, as the documents show it. Bundled for each version of the AI SDK; what a test asks is on `window.chat`.

import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport } from "ai";
import { createElement, StrictMode, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { createChatClient } from "resumable-stream/ai-sdk/client";

const parameters = new URLSearchParams(location.search);
const id = parameters.get("id");
const state = { finishes: [], errors: [], automatic: 0 };
// A 204 that arrives while an answer runs makes the SDK say "ready" in the middle of it (resumeStream sets the status
// whatever else goes on), so a test types only after the load's request was answered.
window.hasLoaded = false;
window.mounts = 0;

const client = createChatClient({ maxAttempts: Number(parameters.get("attempts") ?? Infinity) });
const transport = new DefaultChatTransport({
  ...client.transport,
  fetch: async (...args) => {
    const response = await client.transport.fetch(...args);
    window.hasLoaded = true;
    return response;
  },
});

function Chat({ stored }) {
  const chat = client.attach(
    useChat({
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
      onFinish: ({ isAbort, isError, finishReason }) =>
        state.finishes.push({ isAbort, isError, finishReason }),
      onError: (error) => state.errors.push(error.code ?? error.message),
    }),
  );
  const texts = chat.messages.map(({ parts }) =>
    parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
  );
  const { status, messages } = chat;
  useEffect(() => void (window.mounts += 1), []);
  const stop = () => client.stop(id);
  window.chat = { ...state, ...chat, status, messages, texts, stop, leave: chat.stop };
  return createElement("output", null, status);
}

const page = createElement(Chat, { stored: await client.load(id) });
const shown = parameters.has("strict") ? createElement(StrictMode, null, page) : page;
createRoot(document.body).render(shown);
