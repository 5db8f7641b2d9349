// A reader of the demo server. It keeps what it got, so it can ask for the rest after its connection is gone.

export interface Reader {
  /** All the text so far, over all connections. Its length is the offset to go on from. */
  readonly text: string;
  /** Reads until the text ends or the signal drops the connection. Rejects when the connection fails. */
  read: (options: { signal: AbortSignal }) => Promise<ReadEnd>;
}

export type ReadEnd = "whole" | "dropped";

/** A reader of one stream; `onText` is called whenever more of it has come. */
export function createReader(streamUrl: () => string, onText: (text: string) => void): Reader {
  let text = "";

  async function read({ signal }: { signal: AbortSignal }): Promise<ReadEnd> {
    try {
      const response = await fetch(`${streamUrl()}?resumeAt=${text.length}`, { signal });
      if (!response.ok) throw new Error(`The server answered ${response.status}.`);
      // Bytes of a character cut in two by a drop are never counted: the decoder gives whole characters only.
      const pieces = response.body?.pipeThrough(new TextDecoderStream());
      for await (const piece of pieces ?? []) {
        text += piece;
        onText(text);
        if (signal.aborted) return "dropped";
      }
      return "whole";
    } catch (error) {
      if (signal.aborted) return "dropped";
      throw error;
    }
  }

  return {
    get text() {
      return text;
    },
    read,
  };
}
