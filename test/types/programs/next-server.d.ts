// The two names that route handlers take from Next.js, by their shape there.

declare module "next/server" {
  export class NextRequest extends Request {
    readonly nextUrl: URL;
  }
  export function after<T>(task: Promise<T> | (() => T | Promise<T>)): void;
}
