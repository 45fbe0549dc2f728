import { describe, expect, it } from "vitest";
import { sampleClient } from "../sample-client.ts";

const api = sampleClient();
const { get, post } = api;

describe("the agents", () => {
  const AGENT = "/api/v1/agents/berlin-01/back-office";
  const remove = (headers: Record<string, string>) =>
    api.collector.app.inject({ method: "DELETE", url: AGENT, headers });

  it("are shown with what waits at them, what they owe, what is missing and what was refused", async () => {
    const [agent] = (await get("/api/v1/agents")).json();
    expect(agent).toMatchObject({
      siteName: "Berlin Alexanderplatz",
      epoch: "e1",
      outbox: { batches: 3, bytes: 900, ageSeconds: 30 },
      missingBatches: 2,
      owed: { live: 1, history: 4 },
      thinnedSamples: 7,
      refusedClaims: ["till"],
      epochRefused: false,
    });
  });

  it("have a page each, with the devices that cost them most", async () => {
    expect((await get(AGENT)).json()).toMatchObject({
      agent: { id: "back-office" },
      slowest: [{ device: "receiving/label-printer", seconds: 1.5 }],
      delivery: { unexplained: 2 },
    });
    expect((await get("/api/v1/agents/berlin-01/none")).statusCode).toBe(404);
  });

  it("are taken out by an administrator only, and it is audited", async () => {
    expect((await remove(api.collector.browser("operator"))).statusCode).toBe(403);
    expect(api.collector.removed).toEqual([]);
    expect((await remove(api.collector.browser("admin"))).statusCode).toBe(204);
    expect(api.collector.removed).toEqual(["berlin-01/back-office"]);
    expect(api.collector.state.auditLog(1)).toMatchObject([{ actor: "user:admin", action: "agent_removed" }]);
    expect((await remove(api.collector.browser("admin"))).statusCode).toBe(404);
  });

  it("have their missing batches explained by who may act, once, and it is audited", async () => {
    const body = { site: "berlin-01", agent: "back-office", text: "the disk was swapped" };
    const explain = (headers: Record<string, string>) => post("/api/v1/audit/delivery/explain", body, headers);
    expect((await explain(api.collector.browser("viewer"))).statusCode).toBe(403);
    expect((await explain(api.collector.program("operator"))).json()).toEqual({ explained: 1 });
    expect((await explain(api.collector.program("operator"))).json()).toEqual({ explained: 0 });
    expect(api.collector.state.auditLog(5).map(({ action }) => action)).toEqual(["gap_explained"]);
    expect((await get("/api/v1/audit/delivery?site=berlin-01")).json()).toMatchObject({
      unexplained: 0,
      missing: [{ explanation: { text: "the disk was swapped" } }],
    });
  });

  it("are asked for by names, not by anything", async () => {
    expect((await get("/api/v1/audit/delivery?agent=..%2F..")).statusCode).toBe(400);
    expect((await get("/api/v1/audit/delivery?since=yesterday")).statusCode).toBe(400);
  });
});

describe("commands to agents", () => {
  const URL = "/api/v1/agents/berlin-01/back-office/commands";

  it.each([
    { who: "viewer", kind: "probe_now", status: 403 },
    { who: "operator", kind: "probe_now", status: 202 },
    { who: "operator", kind: "send_diagnostics", status: 202 },
    { who: "operator", kind: "reload", status: 403 },
    { who: "admin", kind: "reload", status: 202 },
  ] as const)("are answered $status when a $who asks for $kind", async ({ who, kind, status }) => {
    expect((await post(URL, { kind }, api.collector.browser(who))).statusCode).toBe(status);
  });

  it("are recorded with who asked, and can be looked up", async () => {
    const body = { kind: "probe_now", device: "switch-1" };
    const { id } = (await post(URL, body, api.collector.program("operator"))).json();
    const found = (await get(`/api/v1/commands/${id}`)).json();
    expect(found).toMatchObject({ kind: "probe_now", device: "switch-1", state: "sent", agent: "back-office" });
    expect(found.by).toMatch(/^token:operator/);
    expect((await get(URL)).json()).toEqual([found]);
    expect((await get("/api/v1/commands/none")).statusCode).toBe(404);
  });

  it("are refused of an agent that is away or not there, and of any other kind", async () => {
    const as = api.collector.browser("admin");
    expect((await post(URL, { kind: "probe_now", device: "away" }, as)).statusCode).toBe(409);
    expect((await post("/api/v1/agents/berlin-01/none/commands", { kind: "reload" }, as)).statusCode).toBe(404);
    expect((await post(URL, { kind: "run_shell" }, as)).statusCode).toBe(400);
    expect((await post(URL, { kind: "probe_now", device: "../../x" }, as)).statusCode).toBe(400);
  });
});
