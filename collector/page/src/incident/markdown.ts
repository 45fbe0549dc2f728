/**
 * The Markdown that runbooks use, as a tree: headings, paragraphs, ordered and unordered lists, fenced code, bold,
 * italics, inline code, links. Runbooks are files that people edit, so this is foreign text: no HTML passes through
 * (the page builds elements, never markup), a link is http, https, mailto or a path of this page, and every scan moves
 * forward through the text once. What is not understood stays as it was written.
 */
export type Inline =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "code"; readonly text: string }
  | { readonly type: "strong" | "em"; readonly children: readonly Inline[] }
  | { readonly type: "link"; readonly href: string; readonly children: readonly Inline[] };

export type Item = { readonly children: readonly Inline[]; readonly blocks: readonly Block[] };

export type Block =
  | { readonly type: "heading"; readonly level: number; readonly children: readonly Inline[] }
  | { readonly type: "paragraph"; readonly children: readonly Inline[] }
  | { readonly type: "code"; readonly text: string }
  | { readonly type: "list"; readonly ordered: boolean; readonly start: number; readonly items: readonly Item[] };

/** Longer than any runbook that a person would follow. */
const TEXT_MAX = 64 * 1024;
/** Lists within lists, and emphasis within emphasis. */
const DEPTH_MAX = 4;

export function parseMarkdown(text: string): Block[] {
  return parseBlocks(text.slice(0, TEXT_MAX).replace(/\r\n?/g, "\n").split("\n"), 0);
}

function parseBlocks(lines: readonly string[], depth: number): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? "";
    if (line.trim() === "") {
      at += 1;
      continue;
    }
    const [block, next] = readBlock(lines, at, depth);
    blocks.push(block);
    at = next;
  }
  return blocks;
}

/** One block from line `at` on, and the line after it: always at least one further. */
function readBlock(lines: readonly string[], at: number, depth: number): [Block, number] {
  const line = lines[at] ?? "";
  if (isFence(line)) return readCode(lines, at);
  const heading = /^(#{1,6})\s+(\S.*)$/.exec(line);
  if (heading) {
    const title = trimClosingHashes(heading[2] ?? "");
    return [{ type: "heading", level: heading[1]?.length ?? 1, children: parseInline(title) }, at + 1];
  }
  const marker = readMarker(line);
  if (marker && depth < DEPTH_MAX) return readList(lines, at, marker.ordered, depth);
  let end = at + 1;
  while (end < lines.length && !startsBlock(lines[end] ?? "")) end += 1;
  const text = lines
    .slice(at, end)
    .map((each) => each.trim())
    .join(" ");
  return [{ type: "paragraph", children: parseInline(text) }, end];
}

const isFence = (line: string): boolean => line.trimStart().startsWith("```");

const startsBlock = (line: string): boolean =>
  line.trim() === "" || isFence(line) || /^#{1,6}\s/.test(line) || readMarker(line) !== null;

function trimClosingHashes(title: string): string {
  let end = title.trimEnd().length;
  while (end > 0 && title[end - 1] === "#") end -= 1;
  return title.slice(0, end).trimEnd();
}

function readCode(lines: readonly string[], at: number): [Block, number] {
  let end = at + 1;
  while (end < lines.length && !isFence(lines[end] ?? "")) end += 1;
  return [{ type: "code", text: lines.slice(at + 1, end).join("\n") }, end + 1];
}

type Marker = { readonly ordered: boolean; readonly start: number; readonly indent: number; readonly width: number };

function readMarker(line: string): Marker | null {
  const match = /^( {0,12})(?:[-*+]|(\d{1,4})[.)]) +(?=\S)/.exec(line);
  if (!match) return null;
  const indent = match[1]?.length ?? 0;
  return { ordered: match[2] !== undefined, start: Number(match[2] ?? 1), indent, width: match[0].length };
}

function readList(lines: readonly string[], at: number, ordered: boolean, depth: number): [Block, number] {
  const first = readMarker(lines[at] ?? "");
  const indent = first?.indent ?? 0;
  const items: Item[] = [];
  let next = at;
  while (next < lines.length) {
    const line = lines[next] ?? "";
    const marker = readMarker(line);
    if (marker === null || marker.ordered !== ordered || marker.indent !== indent) break;
    const end = itemEnd(lines, next, indent);
    items.push(readItem(line.slice(marker.width), lines.slice(next + 1, end), depth));
    next = end;
  }
  return [{ type: "list", ordered, start: first?.start ?? 1, items }, next];
}

/** The item goes on over lines that are indented deeper, and over an empty line when such a line follows. */
function itemEnd(lines: readonly string[], at: number, indent: number): number {
  let end = at + 1;
  for (let line = at + 1; line < lines.length; line += 1) {
    const text = lines[line] ?? "";
    if (text.trim() === "") continue;
    const deeper = text.length - text.trimStart().length > indent;
    const lazy = line === end && !startsBlock(text);
    if (!deeper && !lazy) break;
    end = line + 1;
  }
  // An empty line before the next item of the same list does not end the list.
  let after = end;
  while (after < lines.length && lines[after]?.trim() === "") after += 1;
  return readMarker(lines[after] ?? "")?.indent === indent ? after : end;
}

function readItem(head: string, rest: readonly string[], depth: number): Item {
  let end = 0;
  while (end < rest.length && !startsBlock(rest[end] ?? "")) end += 1;
  const text = [head, ...rest.slice(0, end)].map((line) => line.trim()).join(" ");
  const inner = rest.slice(end);
  const indent = Math.min(...inner.filter((line) => line.trim() !== "").map((line) => leadingSpaces(line)));
  const blocks =
    inner.length === 0
      ? []
      : parseBlocks(
          inner.map((line) => line.slice(indent)),
          depth + 1,
        );
  return { children: parseInline(text), blocks };
}

const leadingSpaces = (line: string): number => line.length - line.trimStart().length;

/** Exported for its test. */
export function parseInline(text: string, depth = 0): Inline[] {
  const out: Inline[] = [];
  let plain = "";
  let at = 0;
  while (at < text.length) {
    const found = depth < DEPTH_MAX ? readSpan(text, at, depth) : null;
    if (found === null) {
      const escaped = text[at] === "\\" && /[\\`*_[\]()#.+-]/.test(text[at + 1] ?? "");
      plain += text[escaped ? at + 1 : at] ?? "";
      at += escaped ? 2 : 1;
      continue;
    }
    if (plain !== "") out.push({ type: "text", text: plain });
    plain = "";
    out.push(found.inline);
    at = found.end;
  }
  if (plain !== "") out.push({ type: "text", text: plain });
  return out;
}

type Span = { readonly inline: Inline; readonly end: number };

/** A closing mark is looked for this far, so that a text of nothing but opening marks stays cheap. */
const SPAN_MAX = 2_000;

function readSpan(text: string, at: number, depth: number): Span | null {
  switch (text[at]) {
    case "`": {
      const end = closing(text, "`", at + 1);
      return end < 0 ? null : { inline: { type: "code", text: text.slice(at + 1, end) }, end: end + 1 };
    }
    case "*": {
      const mark = text[at + 1] === "*" ? "**" : "*";
      const from = at + mark.length;
      const end = closing(text, mark, from);
      if (end < 0 || /\s/.test(text[from] ?? " ")) return null;
      const children = parseInline(text.slice(from, end), depth + 1);
      return { inline: { type: mark === "**" ? "strong" : "em", children }, end: end + mark.length };
    }
    case "[":
      return readLink(text, at, depth);
    default:
      return null;
  }
}

/** Where `mark` closes what began at `from`, or -1 when it doesn't or nothing would stand between. */
function closing(text: string, mark: string, from: number): number {
  const end = text.slice(from, from + SPAN_MAX).indexOf(mark);
  return end <= 0 ? -1 : from + end;
}

function readLink(text: string, at: number, depth: number): Span | null {
  const label = closing(text, "](", at + 1);
  if (label < 0) return null;
  const end = closing(text, ")", label + 2);
  const href = end < 0 ? null : safeHref(text.slice(label + 2, end));
  if (href === null) return null;
  return { inline: { type: "link", href, children: parseInline(text.slice(at + 1, label), depth + 1) }, end: end + 1 };
}

/** Schemes that can't run anything, and paths of this page; `//host` would leave it unseen. */
function safeHref(raw: string): string | null {
  const href = raw.trim();
  // A browser drops control characters from an address before it reads the scheme.
  if ([...href].some((char) => char <= " " || char === "\u007f" || char === "\\")) return null;
  if (/^(https?:\/\/|mailto:)/i.test(href)) return href;
  return href.startsWith("/") && !href.startsWith("//") ? href : null;
}
