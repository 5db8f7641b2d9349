/** An error, as it can be sent to another process. */
export interface ErrorReport {
  name: string;
  /** Absent where the error has none. */
  code?: string;
  message: string;
}

export function reportError(error: unknown): ErrorReport {
  if (!(error instanceof Error)) return { name: "not an Error", message: String(error) };
  const code = "code" in error ? String(error.code) : undefined;
  return { name: error.name, message: error.message, ...(code === undefined ? {} : { code }) };
}
