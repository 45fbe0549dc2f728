import { checkHashChain } from "@aislewatch/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SampleCollector, sampleCollector, T0 } from "./sample-collector.ts";

let collector: SampleCollector;
beforeEach(async () => {
  collector = await sampleCollector();
});
afterEach(() => collector.close());

const get = (url: string, role: "viewer" | "operator" | "admin" = "admin") =>
  collector.app.inject({ url: `/api/v1${url}`, headers: collector.program(role) });
const erase = (payload: object, role: "operator" | "admin" = "admin") =>
  collector.app.inject({ method: "POST", url: "/api/v1/privacy/erase", headers: collector.program(role), payload });

describe("what is held of people", () => {
  it.each(["/privacy/person?name=ana", "/audit/log", "/audit/export?from=0&to=1"])(
    "is for administrators: %s",
    async (url) => {
      for (const role of ["viewer", "operator"] as const) expect((await get(url, role)).statusCode).toBe(403);
      expect((await get(url)).statusCode).toBe(200);
    },
  );

  it("is erased by administrators, who see before what that would do", async () => {
    const { id } = collector.open();
    const opened = collector.state.incident(id);
    if (opened === null) throw new Error("not there");
    collector.write(opened, { type: "assigned", to: "ana.quux" }, { type: "note", text: "ana.quux has the key" });
    expect((await erase({ name: "ana.quux" }, "operator")).statusCode).toBe(403);
    const trial = (await erase({ name: "ana.quux", trial: true })).json();
    expect(trial).toMatchObject({ isTrial: true, pseudonym: null, records: { event: 1, incident: 1 }, textCount: 1 });
    expect(collector.state.incident(id)?.assignee).toBe("ana.quux");
    const done = (await erase({ name: "ana.quux", inText: true })).json();
    expect(collector.state.incident(id)?.assignee).toBe(done.pseudonym);
    expect((await get("/privacy/person?name=ana.quux")).json()).toMatchObject({ recordCount: 0 });
    expect(JSON.stringify(collector.state.pages.audit(null, 100))).not.toContain("quux");
  });

  it("is not erased while the person may sign in", async () => {
    const refused = await erase({ name: "viewer" });
    expect([refused.statusCode, refused.json().error]).toEqual([409, "still_user"]);
  });
});

describe("the audit log", () => {
  it("is read page by page, and what is written meanwhile moves nothing", async () => {
    for (let n = 1; n <= 25; n++) collector.state.audit({ at: T0 + n, actor: "cli", action: "x", detail: `${n}` });
    const seen: string[] = [];
    for (let url: string | null = "/audit/log?limit=10"; url !== null; ) {
      const page = await get(url);
      seen.push(...page.json().map(({ detail }: { detail: string }) => detail));
      collector.state.audit({ at: T0, actor: "cli", action: "x", detail: "new" });
      url = /<\/api\/v1([^>]+)>; rel="next"/.exec(String(page.headers.link ?? ""))?.[1] ?? null;
    }
    expect(seen).toEqual(Array.from({ length: 25 }, (_, n) => `${25 - n}`));
  });

  it.each(["nonsense", "WyJhdWRpdCIs", "WyJvdGhlciIsWzFdXQ", "a%20b", "WyJhdWRpdCIsWyJ4Il1d"])(
    "refuses a cursor that is none of it: %s",
    async (cursor) => {
      const refused = await get(`/audit/log?cursor=${cursor}`);
      expect([refused.statusCode, refused.json().error]).toEqual([400, "bad_cursor"]);
    },
  );

  it("is exported with the logs of incidents, in lines that vouch for each other", async () => {
    const { id } = collector.open();
    collector.state.audit({ at: T0 + 5, actor: "user:ana", action: "signed_in", detail: "" });
    collector.state.audit({ at: T0 - 5, actor: "user:bo", action: "signed_in", detail: "" });
    const text = (await get(`/audit/export?from=${T0}&to=${T0 + 1_000}`)).body;
    const check = checkHashChain();
    const lines = text.trimEnd().split("\n");
    for (const line of lines) expect(check.take(line)).toBeNull();
    expect(check.end()).toBeNull();
    expect(check.manifest).toMatchObject({ counts: { audit: 1, command: 0, incident_event: 1 }, lines: 4 });
    expect(text).toContain(`"kind":"incident_event","incident":"${id}"`);
    expect(text).not.toContain("user:bo");
    // Who took it, and what its last hash was, is on record.
    expect(collector.state.auditLog(1)[0]).toMatchObject({
      action: "audit_exported",
      detail: `${T0} to ${T0 + 1_000}: 4 lines, sha256 ${check.hash}`,
    });
    expect((await get("/audit/export?from=5&to=5")).statusCode).toBe(422);
  });
});
