// Writes the API reference from the docstrings: `npm run docs [-- FOLDER]`. The folder is docs/api where none is named.

import { fileURLToPath } from "node:url";
import {
  Application,
  Comment,
  Converter,
  type DeclarationReflection,
  type ProjectReflection,
  ReferenceReflection,
  ReflectionKind,
  type TypeDocOptions,
} from "typedoc";
import type { PluginOptions } from "typedoc-plugin-markdown";
import manifest from "../package.json" with { type: "json" };

const root = fileURLToPath(new URL("..", import.meta.url));
const [out = `${root}docs/api`] = process.argv.slice(2);

/** Each entry's source, by its import path. In this order what several entries export is described with the first. */
const entries = Object.entries(manifest.exports).flatMap(([path, target]) =>
  typeof target === "object"
    ? [
        {
          name: `resumable-stream${path.slice(1)}`,
          file: /^\.\/dist\/(.+)\.js$/.exec(target.default)?.[1] ?? "",
        },
      ]
    : [],
);

const options: TypeDocOptions & PluginOptions = {
  entryPoints: entries.map(({ file }) => `${root}src/${file}.ts`),
  name: "API reference",
  out,
  plugin: ["typedoc-plugin-markdown"],
  tsconfig: `${root}tsconfig.build.json`,
  readme: "none",
  // A page an entry, and nothing of the place or the moment that it is written in.
  router: "module",
  disableGit: true,
  disableSources: true,
  sort: ["source-order"],
  sortEntryPoints: false,
  groupOrder: ["Functions", "Classes", "Interfaces", "Type Aliases", "Variables"],
  excludeExternals: true,
  excludeInternal: true,
  entryFileName: "README",
  flattenOutputFiles: true,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  parametersFormat: "table",
  // What is exported is described, and what its description names is exported.
  validation: { invalidLink: true, notDocumented: true, notExported: true },
  // Fields inside a type whose own description says what they are.
  intentionallyNotDocumented: [
    ...fieldsOf("resumable-stream.StreamEvent", ["type", "streamId", "offset", "role", "end"]),
    ...fieldsOf("resumable-stream.PostgresClient.query", ["rows"]),
    ...fieldsOf("resumable-stream.PostgresPool.query", ["rows"]),
    ...fieldsOf("resumable-stream.PostgresPool.options", ["max"]),
    ...fieldsOf("resumable-stream/pglite.PgliteClient.query", ["rows"]),
    ...fieldsOf("resumable-stream/transport.ReadResult", ["status", "page"]),
    ...fieldsOf("resumable-stream/transport.ClaimResult", ["status", "claim"]),
    ...fieldsOf("resumable-stream/transport.WatchSignal", ["type", "page"]),
    ...fieldsOf("resumable-stream/transport.Peek", ["status", "epoch"]),
  ],
  // What Node's server passes, by what is used of it: nobody else makes one.
  intentionallyNotExported: ["NodeRequest", "NodeResponse"],
};

const app = await Application.bootstrapWithPlugins(options);
// Before members are put in groups.
app.converter.on(Converter.EVENT_RESOLVE_END, (context) => arrange(context.project));
const project = await app.convert();
if (project) {
  app.validate(project);
  if (!app.logger.hasErrors()) await app.generateOutputs(project);
}
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;

function fieldsOf(type: string, fields: readonly string[]): string[] {
  return fields.map((field) => `${type}.__type.${field}`);
}

/** Names pages by import path, and says a thing once: what is inherited or exported elsewhere too is linked. */
function arrange(described: ProjectReflection): void {
  for (const [index, page] of (described.children ?? []).entries()) {
    const others: DeclarationReflection[] = [];
    page.name = entries[index]?.name ?? page.name;
    for (const child of page.children?.slice() ?? []) {
      if (child instanceof ReferenceReflection) {
        others.push(child.getTargetReflectionDeep() as DeclarationReflection);
        described.removeReflection(child);
        continue;
      }
      for (const member of child.children?.slice() ?? []) {
        if (member.inheritedFrom) described.removeReflection(member);
      }
    }
    linkOthers(page, others);
  }
  for (const { comment } of described.getReflectionsByKind(ReflectionKind.All)) {
    if (comment) tellDefault(comment);
  }
}

/** In a line of the description, where it would get a heading of its own. */
function tellDefault(comment: Comment): void {
  const content = comment.getTag("@defaultValue")?.content;
  if (!content) return;
  const text = Comment.combineDisplayParts(content).replace(/^```ts\n([^]*)\n```$/, "$1");
  const value = /^("\S*"|\d+|\w+\.\w+)( |$)/.test(text) ? text.replace(/^\S+/, "`$&`") : text;
  comment.removeTags("@defaultValue");
  comment.summary.push({ kind: "text", text: `\n\nDefault: ${value}` });
}

function linkOthers(page: DeclarationReflection, others: readonly DeclarationReflection[]): void {
  if (others.length === 0) return;
  page.comment ??= new Comment();
  page.comment.summary.push({ kind: "text", text: "\n\nAlso exported, and described elsewhere: " });
  for (const [index, target] of others.entries()) {
    if (index > 0) page.comment.summary.push({ kind: "text", text: ", " });
    page.comment.summary.push({ kind: "inline-tag", tag: "@link", text: target.name, target });
  }
  page.comment.summary.push({ kind: "text", text: "." });
}
