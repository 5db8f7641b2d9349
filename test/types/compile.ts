// Compiles files as a user's project would, against the built package, by its name.

import { fileURLToPath } from "node:url";
import ts from "typescript";

export const root: string = fileURLToPath(new URL("../..", import.meta.url));

const strict: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.asynciterable.d.ts", "lib.esnext.disposable.d.ts"],
  module: ts.ModuleKind.NodeNext,
  types: ["node"],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
};

/** For what a bundler resolves, as Next.js does: it finds `login.ts` behind `./login`. */
export const bundled: ts.CompilerOptions = {
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
};

/** What the compiler finds wrong, one line each. Next.js is declared, not installed. */
export function errorsOfFiles(files: readonly string[], options: ts.CompilerOptions = {}): string[] {
  const nextServer = `${root}test/types/programs/next-server.d.ts`;
  const program = ts.createProgram([nextServer, ...files], { ...strict, ...options });
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n");
    const { file, start } = diagnostic;
    if (!file || start === undefined) return message;
    return `${file.fileName.replace(root, "")}:${file.getLineAndCharacterOfPosition(start).line + 1} ${message}`;
  });
}
