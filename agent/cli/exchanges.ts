/** What was asked on a line and what came, for a person: control characters never reach the terminal as they are. */
import { alignedTable } from "@aislewatch/runtime";
import { escaped, hexDump, hexOf } from "../core/byte-text.ts";
import type { Heard } from "../drivers/request.ts";

const SENT_CHARS_MAX = 48;

/** A table of the questions of a poll; empty when nothing was asked. */
export function exchangeTable(heard: readonly Heard[]): string {
  if (heard.length === 0) return "";
  const rows = heard.map(({ ask, sent, said, tookMs }) => [
    ask,
    sent === "" ? "nothing: listened" : cut(escaped(sent)),
    String(sent.length),
    said === null ? "silent" : "answered",
    said === null ? "" : String(said.length),
    `${Math.round(tookMs)} ms`,
  ]);
  return alignedTable([["ASKED", "SENT", "BYTES", "", "BYTES", "TOOK"], ...rows], [2, 4, 5]);
}

/** Each question with its bytes, as text and as a dump. */
export function exchangeDump(heard: readonly Heard[]): string {
  return heard
    .map(({ ask, sent, said, tookMs }) => {
      const question = sent === "" ? "  sent nothing, listened" : `  sent ${escaped(sent)}   (${hexOf(sent)})`;
      const answer =
        said === null ? ["  silent"] : [`  came ${escaped(said)}`, ...hexDump(said).map((line) => `       ${line}`)];
      return [`${ask}, ${Math.round(tookMs)} ms`, question, ...answer, ""].join("\n");
    })
    .join("\n");
}

export const exchangesAsJson = (heard: readonly Heard[]): readonly object[] =>
  heard.map(({ ask, sent, said, tookMs }) => ({
    ask,
    sent: escaped(sent),
    said: said === null ? null : escaped(said),
    hex: said === null ? null : hexOf(said),
    ms: Math.round(tookMs),
  }));

const cut = (text: string): string => (text.length > SENT_CHARS_MAX ? `${text.slice(0, SENT_CHARS_MAX)}…` : text);
