// Modules for --hand-over: whose `onEnd` takes what it is given, or fails to.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A module that notes what it is given, and what it noted. */
export async function moduleOf(code: string, name = "save.mjs"): Promise<{ path: string; file: string }> {
  const folder = temporaryFolder("lost");
  const [path, file] = [join(folder, name), join(folder, "taken")];
  await writeFile(path, code.replaceAll("FILE", JSON.stringify(file)));
  return { path, file };
}

const note = `import { appendFileSync } from "node:fs";
const note = (ended) => appendFileSync(FILE, JSON.stringify(ended) + "\\n");
`;
export const taking = `${note}export const onEnd = async (ended) => note(ended);`;
export const failing = `${note}export default async (ended) => {
  note(ended);
  throw Object.assign(new RangeError("no room for " + ended.text), { code: "53100" });
};`;
