import { describe, expect, it } from "vitest";
import { UsageError } from "./command.ts";
import { limitOf, nextCursor, pages } from "./pages.ts";

describe("a list that comes in pages", () => {
  /** Numbers from 1, in pages whose cursors are the numbers. */
  const numbers =
    (total: number, asked: number[] = []) =>
    async ({ limit, cursor }: { limit: number; cursor?: string }) => {
      asked.push(limit);
      const from = Number(cursor ?? 0);
      const data = Array.from({ length: Math.min(limit, total - from) }, (_, n) => from + n + 1);
      const next = from + data.length;
      const headers = next < total ? { link: `</api/v1/x?limit=${limit}&cursor=${next}>; rel="next"` } : {};
      return { data, response: new Response(null, { headers }) };
    };

  it("is asked for as often as it takes, and not for more than is wanted", async () => {
    const asked: number[] = [];
    expect(await pages(2_500, numbers(10_000, asked))).toHaveLength(2_500);
    expect(asked).toEqual([1_000, 1_000, 500]);
    expect(await pages(Number.POSITIVE_INFINITY, numbers(1_234))).toHaveLength(1_234);
    expect(await pages(5, numbers(0))).toEqual([]);
  });

  it("ends where no next page is named", () => {
    expect(nextCursor(null)).toBeNull();
    expect(nextCursor('</x?cursor=a>; rel="prev"')).toBeNull();
    expect(nextCursor('</x?limit=5&cursor=a-b_c>; rel="next"')).toBe("a-b_c");
  });

  it("takes --limit or --all", () => {
    expect([limitOf({}), limitOf({ limit: "7" }), limitOf({ all: true })]).toEqual([50, 7, Number.POSITIVE_INFINITY]);
    for (const wrong of [{ limit: "0" }, { limit: "x" }, { limit: "1", all: true }])
      expect(() => limitOf(wrong)).toThrow(UsageError);
  });
});
