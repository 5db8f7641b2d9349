// A request's body that somebody has read before us, put together from what that has left.

export interface ParsedBody {
  /** What a parser has made of it; absent if nothing. */
  body?: unknown;
  /** The bytes, or the text, if a parser keeps them, or a promise of them. */
  rawBody: unknown;
  /** The request's `content-type`; absent if it says nothing of the body. */
  type?: string;
}

/** The body again; one that can't be had any more fails as soon as it is read, in place of waiting for bytes for ever. */
export function restoredBody(parsed: ParsedBody): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const text = restored({ ...parsed, rawBody: await parsed.rawBody });
        const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
        if (bytes.byteLength > 0) controller.enqueue(bytes);
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

function restored({ body, rawBody, type = "" }: ParsedBody): Uint8Array | string {
  if (rawBody instanceof Uint8Array || typeof rawBody === "string") return rawBody;
  if (body instanceof Uint8Array) return body;
  const isJson = /^\s*[^;\s]+[/+]json\s*(;|$)/i.test(type);
  // A parser of text leaves the JSON, one of JSON the text that it says.
  if (typeof body === "string") return isJson && !isJsonText(body) ? JSON.stringify(body) : body;
  if (isJson && body !== undefined) return JSON.stringify(body);
  if (/^\s*application\/x-www-form-urlencoded/i.test(type) && isObject(body)) return formOf(body).toString();
  // The files of a form are elsewhere, if anywhere; and Express 4 leaves {} if nothing was parsed.
  const isForm = /^\s*multipart\//i.test(type);
  if (!isForm && isObject(body) && Object.keys(body).length > 0) return JSON.stringify(body);
  throw new TypeError(
    `The request's body was read before this handler by a body parser${isForm ? " of forms, such as multer" : ", such as express.json() or body-parser"}, and can't be put together from what that left. Mount this handler before the parser, or have the parser keep the bytes in request.rawBody.`,
  );
}

/** As parsers of forms read what is nested: `a[b]=1`, and `a[0][b]=1` for objects in a list, which would become one otherwise. */
function formOf(fields: Record<string, unknown>): URLSearchParams {
  const form = new URLSearchParams();
  const add = (name: string, value: unknown): void => {
    if (Array.isArray(value)) {
      const isFlat = !value.some(isObject);
      for (const [index, item] of value.entries()) add(isFlat ? name : `${name}[${index}]`, item);
    } else if (isObject(value))
      for (const [key, inner] of Object.entries(value)) add(`${name}[${key}]`, inner);
    else form.append(name, String(value));
  };
  for (const [name, value] of Object.entries(fields)) add(name, value);
  return form;
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
