"use client";

import { useChat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { type SubmitEvent, useRef, useState } from "react";
import { ResumableFetchError } from "resumable-stream/client";
import { createAnswers } from "../lib/answers.ts";

export function Chat({ id, stored }: { id: string; stored: UIMessage[] }) {
  const show = useRef((_messages: UIMessage[]): void => {});
  const [answers] = useState(() => createAnswers(id, (messages) => show.current(messages)));
  const [input, setInput] = useState("");
  const chat = useChat({
    id,
    messages: stored,
    resume: true,
    transport: answers.transport,
    onFinish: ({ isAbort, isError }) => {
      if (!isAbort && !isError && answers.wasCut()) void catchUp();
    },
    // The answer ended while this tab was offline: the server has stored it.
    onError: (broken) => {
      if (broken instanceof ResumableFetchError && broken.code === "MISSED_END") void catchUp();
    },
  });
  const { messages, setMessages, sendMessage, regenerate, resumeStream, status, error, clearError } = chat;
  // What was sent meanwhile isn't among those that were loaded.
  show.current = (loaded) => setMessages((shown) => (shown.length > loaded.length ? shown : loaded));
  /** Another device may have stopped the answer, and asked for the next. */
  const catchUp = async (): Promise<void> => {
    setMessages(await answers.load());
    clearError();
    await resumeStream();
  };
  const isBusy = status === "submitted" || status === "streaming";

  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    void sendMessage({ text: input });
    setInput("");
  };
  // Both at once: the first stops the model and every tab's stream, the second keeps this tab from sending more of itself.
  const stop = (): void => {
    void answers.stop();
    void chat.stop();
  };

  return (
    <main>
      <ol>
        {messages.map(({ id: key, role, parts }) => (
          <li key={key} data-role={role} style={{ whiteSpace: "pre-wrap" }}>
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
        {/* Two buttons, by their keys: one that became the other under the press would send the form. */}
        {isBusy ? (
          <button key="stop" type="button" onClick={stop}>
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
