// Express, typed by what tests call: it ships no types.

import type { RequestListener } from "node:http";
import { createRequire } from "node:module";
import type { NodeHandler } from "../../src/http.ts";

export type Middleware = (...args: never[]) => unknown;
interface App {
  use: (...args: (string | Middleware)[]) => void;
  all: (path: string, handler: NodeHandler | Middleware) => void;
}
interface Express {
  (): App & RequestListener;
  json: (options?: object) => Middleware;
  text: (options?: object) => Middleware;
  raw: (options?: object) => Middleware;
  urlencoded: (options?: object) => Middleware;
  Router: () => App & Middleware;
}
export const express = createRequire(import.meta.url)("express") as Express;
