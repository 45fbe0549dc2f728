/** Lists that come in pages: each names the next one in its Link header. */
import { orThrow } from "./client.ts";
import { UsageError } from "./command.ts";

/** What the API gives at once. */
const PAGE_MAX = 1_000;
const LIMIT_DEFAULT = 50;

export type LimitOptions = { readonly limit?: string | undefined; readonly all?: boolean | undefined };

/** `--limit N`, or all. */
export function limitOf({ limit, all }: LimitOptions, usual = LIMIT_DEFAULT): number {
  if (all === true && limit !== undefined) throw new UsageError("--limit or --all, not both");
  if (all === true) return Number.POSITIVE_INFINITY;
  const count = limit === undefined ? usual : Number(limit);
  if (!Number.isInteger(count) || count < 1)
    throw new UsageError(`--limit takes a whole number from 1, not "${limit}"`);
  return count;
}

type Answer<T> = { data?: T[]; error?: unknown; response: Response };

/** Asks for page after page until there are so many, or no more. */
export async function pages<T>(
  count: number,
  ask: (query: { limit: number; cursor?: string }) => Promise<Answer<T>>,
): Promise<T[]> {
  const found: T[] = [];
  for (let cursor: string | null = ""; cursor !== null && found.length < count; ) {
    const limit = Math.min(PAGE_MAX, count - found.length);
    const answer: Answer<T> = await ask({ limit, ...(cursor !== "" && { cursor }) });
    found.push(...orThrow(answer));
    cursor = nextCursor(answer.response.headers.get("link"));
  }
  return found;
}

/** Of `<…?cursor=…>; rel="next"`; null on the last page. */
export function nextCursor(link: string | null): string | null {
  const [, query] = /<[^>?]*\?([^>]*)>\s*;\s*rel="next"/.exec(link ?? "") ?? [];
  return query === undefined ? null : new URLSearchParams(query).get("cursor");
}
