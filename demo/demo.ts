// npm run demo: a page, or with --terminal the same in a terminal.

export {};

await (process.argv.includes("--terminal") ? import("./terminal.ts") : import("./page.ts"));
