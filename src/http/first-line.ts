// Whether a text is server-sent events, by its first line. Readers skip lines that aren't, and would show nothing of it.

/** The names of an event's lines. */
const FIELDS = ["data", "event", "id", "retry"];

/**
 * Whether more of `text` is needed to tell, as soon as it can be told: text that isn't events may have no second line for long.
 * Throws a TypeError if it isn't events.
 */
export function checkFirstLine(text: string): boolean {
  const [line = "", ...rest] = text.replace(/^[\r\n]+/, "").split(/[\r\n]/, 2);
  const [name = "", ...value] = line.split(":", 2);
  const isWholeName = value.length > 0 || rest.length > 0;
  const isField =
    name === "" || FIELDS.some((field) => (isWholeName ? field === name : field.startsWith(name)));
  if (isField) return !isWholeName;
  throw new TypeError(
    'The text isn\'t server-sent events: its first line begins with no "data:", "event:", "id:", "retry:" or ":". Send it with format "text", or write it as events before it gets into the context.',
  );
}
