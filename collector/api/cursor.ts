/**
 * Cursors of lists. A cursor says where a page ended, in the list's own order; it is opaque to whoever has it, comes back
 * through a URL, and is refused when it is not one of this list. The next page's address stands in `Link: <…>; rel="next"`
 * (RFC 8288), so a list stays a list; the last page has none.
 */
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { Refused } from "./problem.ts";

/** A cursor of ours is shorter. */
const CURSOR_CHARS_MAX = 512;

export const cursorParam = z.string().max(CURSOR_CHARS_MAX).optional().describe("where the page before ended");

type Part = string | number;

export type Cursors<Place extends readonly Part[]> = {
  /** Null at the beginning; throws Refused for what is none of this list's. */
  read(text: string | undefined): Place | null;
  write(place: Place): string;
};

/** `list` keeps a cursor of one list from being taken for one of another; `shape` says what its places are made of. */
export function cursorsOf<Place extends readonly Part[]>(list: string, shape: z.ZodType<Place>): Cursors<Place> {
  const whole = z.tuple([z.literal(list), shape]);
  return {
    read(text) {
      if (text === undefined) return null;
      const found = whole.safeParse(jsonOf(text));
      if (!found.success) throw badCursor();
      return found.data[1];
    },
    write: (place) => Buffer.from(JSON.stringify([list, place])).toString("base64url"),
  };
}

export const badCursor = (): Refused =>
  new Refused(400, "bad_cursor", "This cursor is none of this list.", {
    hint: "Begin at the first page, and follow the Link of each page to the next.",
  });

function jsonOf(text: string): unknown {
  if (!/^[\w-]+$/.test(text)) return null;
  try {
    return JSON.parse(Buffer.from(text, "base64url").toString());
  } catch {
    return null;
  }
}

/** Says where the list goes on, with everything that was asked of this page. */
export function linkNext(request: FastifyRequest, reply: FastifyReply, cursor: string | null): void {
  if (cursor === null) return;
  const [path = "", query = ""] = request.url.split("?", 2);
  const next = new URLSearchParams(query);
  next.set("cursor", cursor);
  reply.header("link", `<${path}?${next}>; rel="next"`);
}

/** Of lists that lie in memory, and are given whole to who does not ask for pages. */
export const pageLimit = z.coerce
  .number()
  .int()
  .min(1)
  .max(1_000)
  .optional()
  .describe("so many of them, by their ids; without it all");

/**
 * A page of what lies in memory, in the order of `keyOf`: what comes or goes elsewhere moves nothing. Without a limit all,
 * in their own order.
 */
export function pageAfter<T>(
  list: readonly T[],
  keyOf: (one: T) => string,
  { after, limit }: { readonly after: string | null; readonly limit: number | undefined },
): { readonly items: readonly T[]; readonly next: string | null } {
  if (limit === undefined && after === null) return { items: list, next: null };
  const rest = list
    .filter((one) => after === null || keyOf(one) > after)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  if (limit === undefined) return { items: rest, next: null };
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rest.length > limit && last !== undefined ? keyOf(last) : null };
}
