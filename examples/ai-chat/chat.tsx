// The chat. Its id is in the URL, so that a reload or a second tab finds it again.

import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport, type UIMessage } from "ai";
import { type SubmitEvent, useState } from "react";
import { createRoot } from "react-dom/client";
import { ResumableFetchError, resumableFetch } from "resumable-stream/client";

location.hash ||= crypto.randomUUID();
const id = location.hash.slice(1);
const streamUrl = `/api/chat/${id}/stream`;

const transport = new DefaultChatTransport({
  fetch: (input, init) => resumableFetch(input, { ...init, resumeUrl: streamUrl }),
});

async function loadMessages(): Promise<UIMessage[]> {
  const response = await fetch(`/api/chat/${id}`);
  return (await response.json()) as UIMessage[];
}

function Chat({ stored }: { stored: UIMessage[] }) {
  const [input, setInput] = useState("");
  const { messages, setMessages, sendMessage, regenerate, status, error, clearError } = useChat({
    id,
    messages: stored,
    resume: true,
    transport,
    onError: async (broken) => {
      // The answer ended while this tab was offline: the server has stored it.
      if (!(broken instanceof ResumableFetchError && broken.code === "MISSED_END")) return;
      setMessages(await loadMessages());
      clearError();
    },
  });
  const isBusy = status === "submitted" || status === "streaming";

  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    void sendMessage({ text: input });
    setInput("");
  };
  // Not useChat's stop(), which only closes this tab's connection: this stops the model, and every tab's stream ends.
  const stop = (): void => void fetch(streamUrl, { method: "DELETE" });

  return (
    <main>
      <ol>
        {messages.map(({ id: key, role, parts }) => (
          <li key={key} data-role={role}>
            {parts.map((part) => (part.type === "text" ? part.text : ""))}
          </li>
        ))}
      </ol>
      {error && (
        <p role="alert">
          The answer broke off. This is what was kept of it.{" "}
          <button onClick={() => void regenerate()}>Try again</button>
        </p>
      )}
      <form onSubmit={send}>
        <input aria-label="Message" value={input} onChange={(event) => setInput(event.target.value)} />
        {isBusy ? (
          <button type="button" onClick={stop}>
            Stop
          </button>
        ) : (
          <button>Send</button>
        )}
      </form>
      <output>{status}</output>
    </main>
  );
}

const stored = await loadMessages();
createRoot(document.querySelector("#root") ?? document.body).render(<Chat stored={stored} />);
