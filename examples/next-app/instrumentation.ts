/** Called once by Next.js, before the first request. */
export async function register(): Promise<void> {
  if (process.env["NEXT_RUNTIME"] === "nodejs") await import("./lib/shutdown.ts");
}
