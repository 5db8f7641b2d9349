// Counts habits of grammar that make readers stumble, in comments and docs: `npm run prose -- --all` lists them. Fails above `MOST`.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/**
 * The most of each habit. Lower a number when there are fewer. A "nameless subject" that is left is mostly a label, "What a read
 * learned", and a "where" a place.
 */
const MOST: Readonly<Record<string, number>> = {
  "nameless subject": 87,
  "where for if": 51,
  "so many": 3,
  "a for per": 3,
  "but for": 0,
};

const root = fileURLToPath(new URL("..", import.meta.url));

const RATE_NOUNS = "stream|channel|process|statement|pool|tick|second|claim|context|request|character|chunk";

const HABITS: Readonly<Record<string, RegExp>> = {
  /** The first word names a thing. */
  "nameless subject": /^(Who|What|Whose|Those|One that)\b/g,
  /** "if" and "when" for conditions. */
  "where for if": /^Where |, where |\bwhere (it|there|an?|the|nobody|somebody|no|that|they|one|none|its)\b/g,
  "so many":
    /\b[Ss]o (many|often|much)\b(?! (that|as|better|more)\b)|\b([Ff]or )?[Ss]o long\b(?! (that|as)\b)/g,
  /** "per" for a rate. */
  "a for per": new RegExp(
    String.raw`\b([Oo]ne|[Oo]nce|[Aa] row|[Aa] statement|[Aa] record|[Aa] file|pages?|messages?) (\w+ )?an? (${RATE_NOUNS})\b`,
    "g",
  ),
  "but for": /\b(but for|nor does|save for)\b/gi,
};

/** "where" of a place: what it begins with, up to the verb. */
const PLACES =
  /^where (to|it (stopped|stands|was|is|starts|ended|left)|the (text|stream|reader|code|page|log|cursor)\S* (\w+ )?(stopped|stands|starts|starting|ends|ended|begins|lives|goes|left)|each|they (are|live|stand|stopped)|one (ends|begins))\b/;

/** What makes a comment of a text. */
const MARKS = /^\/\*\*?|\*\/$|^ *\* ?(- )?|^\/\/|\{@link [^}]*\}|@(param \w+ -|\w+)/gm;

interface Sentence {
  file: string;
  line: number;
  text: string;
}

const hits = [...sources().flatMap(commentsOf), ...pages().flatMap(proseOf)].flatMap(habitsOf);
if (process.argv.includes("--all"))
  for (const { file, line, habit, text } of hits) console.log(`${file}:${line}: ${habit}: ${text}`);

for (const habit of Object.keys(HABITS)) {
  const count = hits.filter((hit) => hit.habit === habit).length;
  console.log(`${habit}: ${count}, at most ${MOST[habit]}`);
  if (count > (MOST[habit] ?? 0)) process.exitCode = 1;
}

function sources(): string[] {
  const names = readdirSync(`${root}src`, { recursive: true, encoding: "utf8" }).toSorted();
  return names.filter((name) => name.endsWith(".ts")).map((name) => `src/${name}`);
}

function pages(): string[] {
  const inFolder = (folder: string): string[] =>
    readdirSync(root + folder)
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name}`);
  const top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];
  return [...top, ...inFolder("docs"), ...inFolder("docs/transports")];
}

function commentsOf(file: string): Sentence[] {
  const source = readFileSync(root + file, "utf8");
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const comments = new Map<number, ts.CommentRange>();
  const visit = (node: ts.Node): void => {
    const around = [
      ...(ts.getLeadingCommentRanges(source, node.pos) ?? []),
      ...(ts.getTrailingCommentRanges(source, node.end) ?? []),
    ];
    if (node.kind !== ts.SyntaxKind.JsxText) for (const comment of around) comments.set(comment.pos, comment);
    for (const child of node.getChildren(tree)) visit(child);
  };
  visit(tree);
  // All that is no comment becomes blank, so that lines stay where they are; lines of `//` that follow each other are one text.
  let text = source.replaceAll(/[^\n]/g, " ");
  for (const { pos, end } of comments.values()) {
    text = text.slice(0, pos) + source.slice(pos, end).replaceAll(MARKS, blank) + text.slice(end);
  }
  return sentencesOf(file, text.replaceAll(/@example[^]*?(?=\n *\n *\n|$)/g, blank));
}

function proseOf(file: string): Sentence[] {
  const source = readFileSync(root + file, "utf8");
  const quoted = /"[^"\n]{20,}"/g;
  return sentencesOf(
    file,
    source
      .replaceAll(/^ *```[^]*?^ *```/gm, blank)
      .replaceAll(quoted, blank)
      .replaceAll(/^#.*$|\]\([^)\n]*\)|[[*]/gm, blank)
      .replaceAll(/^ *(- |\d+\. |> )|\|/gm, (mark) => `${blank(mark).slice(1)}\f`),
  );
}

/** Spaces in its place: what comes after stays on its line. */
function blank(text: string): string {
  return text.replaceAll(/[^\n]/g, " ");
}

function sentencesOf(file: string, text: string): Sentence[] {
  const found: Sentence[] = [];
  // Ends at a full stop, an empty line, or the edge of a list's item or a table's cell.
  for (const match of text
    .replaceAll(/`[^`]*`/g, code)
    .matchAll(/[^\s\f](?:[^.!?\f\n]|[.!?](?!\s)|\n(?!\s*\n))*/g)) {
    const line = text.slice(0, match.index).split("\n").length;
    found.push({ file, line, text: match[0].replaceAll(/\s+/g, " ").trim() });
  }
  return found;
}

/** Code in a text is a word like any other. */
function code(text: string): string {
  return text.replaceAll(/[^\n`]/g, "x");
}

function habitsOf(sentence: Sentence): (Sentence & { habit: string })[] {
  return Object.entries(HABITS).flatMap(([habit, pattern]) =>
    [...sentence.text.matchAll(pattern)]
      .filter(({ index }) => !PLACES.test(sentence.text.slice(index).replace(/^, /, "").toLowerCase()))
      .map(() => ({ ...sentence, habit })),
  );
}
