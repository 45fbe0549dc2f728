/** Every list that may grow is read page by page; whatever is written meanwhile, nothing is met twice or passed over. */
import { describe, expect, it } from "vitest";
import { anEvent } from "../store/state/contract-data.ts";
import { sampleClient } from "./sample-client.ts";
import { T0 } from "./sample-collector.ts";

const api = sampleClient();
const admin = () => api.collector.program("admin");

/** What it takes to fill a list with `n` things, to add one more, and how one of them is told from others. */
const LISTS = [
  {
    url: "/incidents?order=id",
    add: (n: number) => void api.collector.open({ at: T0 + n }),
    key: "id",
  },
  {
    url: "/sites/berlin-01/events",
    add: (n: number) =>
      api.collector.state.commit({ deviceEvents: [anEvent({ site: "berlin-01", at: T0 + n, detail: `${n}` })] }),
    key: "detail",
  },
  {
    url: "/agents/berlin-01/back-office/commands",
    add: (n: number) =>
      api.collector.state.putCommand({
        ...{ id: `c${n}`, site: "berlin-01", agent: "back-office", kind: "probe_now", device: null, by: "user:x" },
        ...{ issuedAt: T0 + Math.floor(n / 3), deadlineAt: T0, state: "done", answeredAt: T0, detail: "" },
      }),
    key: "id",
  },
  {
    url: "/audit/log",
    add: (n: number) => api.collector.state.audit({ at: T0, actor: "cli", action: "x", detail: `${n}` }),
    key: "detail",
  },
] as const;

type Page = { readonly items: readonly Record<string, unknown>[]; readonly next: string | null };

async function page(url: string): Promise<Page> {
  const answer = await api.get(`/api/v1${url}`, admin());
  expect(answer.statusCode, answer.body).toBe(200);
  const body: unknown = answer.json();
  if (Array.isArray(body)) {
    const [, next = null] = /<\/api\/v1([^>]+)>; rel="next"/.exec(String(answer.headers.link ?? "")) ?? [];
    return { items: body, next };
  }
  const { items, cursor } = answer.json<{ items: Page["items"]; cursor: string | null }>();
  const base = url.replace(/&cursor=[^&]*/, "");
  return { items, next: cursor === null ? null : `${base}&cursor=${cursor}` };
}

describe.each(LISTS)("$url", ({ url, add, key }) => {
  const first = `${url}${url.includes("?") ? "&" : "?"}limit=4`;

  it("is met whole, each once, while it grows", async () => {
    for (let n = 0; n < 11; n++) add(n);
    const before = new Set(
      (await page(`${url}${url.includes("?") ? "&" : "?"}limit=100`)).items.map((one) => one[key]),
    );
    expect(before.size).toBe(11);
    const seen: unknown[] = [];
    let pages = 0;
    for (let next: string | null = first; next !== null && pages < 20; pages++) {
      const found: Page = await page(next);
      expect(found.items.length).toBeLessThanOrEqual(4);
      seen.push(...found.items.map((one) => one[key]));
      next = found.next;
      add(100 + pages);
    }
    expect(new Set(seen).size).toBe(seen.length);
    for (const one of before) expect(seen).toContain(one);
  });

  it.each(["x", "WyJvdGhlciIsWzFdXQ", "%22", "bnVsbA", "e30"])("refuses the cursor %s", async (cursor) => {
    const answer = await api.get(`/api/v1${first}&cursor=${cursor}`, admin());
    expect([answer.statusCode, answer.json().error]).toEqual([400, "bad_cursor"]);
  });
});

describe("lists that lie in memory", () => {
  it.each(["/agents", "/maintenance"])("%s are given whole, or in pages by their ids", async (url) => {
    for (let n = 0; n < 3; n++) {
      const window = { reason: `r${n}`, where: {}, to: T0 + 3_600_000 };
      await api.post("/api/v1/maintenance", window, admin());
    }
    const { items } = await page(url);
    const seen: unknown[] = [];
    for (let next: string | null = `${url}?limit=1`; next !== null; ) {
      const found: Page = await page(next);
      seen.push(...found.items.map(({ id }) => id));
      next = found.next;
    }
    expect(seen.toSorted()).toEqual(items.map(({ id }) => id).toSorted());
    expect((await api.get(`/api/v1${url}?cursor=x`, admin())).json().error).toBe("bad_cursor");
  });
});
