// What an EventSource makes of a text, word for word after the HTML standard: the judge of what we send.

export interface ParsedEvent {
  event: string;
  data: string;
  lastEventId: string;
}

export function parseEvents(text: string): ParsedEvent[] {
  const events: ParsedEvent[] = [];
  let fields = { event: "", data: "" };
  let lastEventId = "";
  // What follows the last line end is no line: a stream that ends there leaves it undone.
  const lines = text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\n|\r/)
    .slice(0, -1);
  for (const line of lines) {
    if (line === "") {
      if (fields.data !== "") events.push({ ...fields, data: fields.data.slice(0, -1), lastEventId });
      fields = { event: "", data: "" };
      continue;
    }
    const [, name = "", value = ""] = /^([^:]*)(?:: ?([^]*))?$/.exec(line) ?? [];
    if (name === "event") fields.event = value;
    if (name === "data") fields.data += `${value}\n`;
    if (name === "id" && !value.includes("\0")) lastEventId = value;
  }
  return events;
}

/** Without ids: what the source said. */
export function saidIn(text: string): Omit<ParsedEvent, "lastEventId">[] {
  return parseEvents(text).map(({ event, data }) => ({ event, data }));
}
