// The chat. Its id is in the URL, so that a reload or a second tab finds it again.

import { useChat } from "@ai-sdk/react";
import { DefaultChatTransport, type UIMessage } from "ai";
import { type SubmitEvent, useState } from "react";
import { createRoot } from "react-dom/client";
import { createChatClient } from "resumable-stream/ai-sdk/client";

location.hash ||= crypto.randomUUID();
const id = decodeURIComponent(location.hash.slice(1));
const client = createChatClient<UIMessage>();
const transport = new DefaultChatTransport(client.transport);

function Chat({ stored }: { stored: UIMessage[] }) {
  const [input, setInput] = useState("");
  const chat = client.attach(useChat({ id, messages: stored, resume: true, transport }));
  const { messages, sendMessage, regenerate, status, error } = chat;
  const isBusy = status === "submitted" || status === "streaming";
  const isUnanswered = !isBusy && messages.at(-1)?.role === "user";

  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    void sendMessage({ text: input });
    setInput("");
  };

  return (
    <main>
      <section>
        <div>
          {messages.length === 0 && <h1>Ask something. Reload while it answers: it goes on.</h1>}
          <ol>
            {messages.map(({ id: key, role, parts }) => (
              <li key={key} data-role={role}>
                {parts.map((part) => (part.type === "text" ? part.text : ""))}
              </li>
            ))}
          </ol>
          {(error ?? isUnanswered) && (
            <p role="alert">
              The answer broke off. This is what was kept of it.{" "}
              <button onClick={() => void regenerate()}>Try again</button>
            </p>
          )}
        </div>
      </section>
      <form onSubmit={send}>
        <input
          aria-label="Message"
          placeholder="Message"
          required
          autoComplete="off"
          value={input}
          onChange={(event) => setInput(event.target.value)}
        />
        {/* Two buttons, by their keys: one that became the other under the press would send the form. */}
        {isBusy ? (
          <button key="stop" type="button" onClick={() => void client.stop(id)}>
            Stop
          </button>
        ) : (
          <button key="send">Send</button>
        )}
      </form>
      <output>{status}</output>
    </main>
  );
}

const stored = await client.load(id);
createRoot(document.querySelector("#root") ?? document.body).render(<Chat stored={stored} />);
