/** Titles with values in them: `Label media low: {{media_remaining_percent}} % left`. */
import type { Value } from "@aislewatch/contract";

const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** Names that stand for the subject itself, beside metrics and `vars.x`. */
export const TITLE_SUBJECTS = ["site", "device", "component"] as const;

export type TitleName = { readonly name: string; readonly start: number; readonly end: number };

export function titleNames(title: string): TitleName[] {
  return [...title.matchAll(PLACEHOLDER)].map((match) => ({
    name: match[1] ?? "",
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/** A value that nobody knows is written "?". Numbers keep one decimal place, and small ones as many as say something. */
export function renderTitle(title: string, look: (name: string) => Value | string | undefined): string {
  return title.replace(PLACEHOLDER, (_, name: string) => {
    const value = look(name);
    if (value === undefined) return "?";
    return typeof value === "number" ? rounded(value) : String(value);
  });
}

/** A drift of 0.008 kg is not 0. */
const rounded = (value: number): string =>
  String(Math.abs(value) < 1 ? Number(value.toPrecision(2)) : Math.round(value * 10) / 10);
