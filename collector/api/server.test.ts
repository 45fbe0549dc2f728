import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLoginLink, LINK_LIFE_MS, putUser } from "./auth.ts";
import { openApiDocument } from "./openapi.ts";
import { type SampleCollector, sampleCollector, T0 } from "./sample-collector.ts";
import { cert, key } from "./test-certificate.ts";

let collector: SampleCollector;
beforeEach(async () => {
  collector = await sampleCollector();
});
afterEach(() => collector.close());

const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
const authDeps = () => ({ state: collector.state, clock: collector.clock, random });
const get = (url: string, headers: Record<string, string> = collector.browser("viewer")) =>
  collector.app.inject({ method: "GET", url, headers });
const post = (url: string, payload: object, headers: Record<string, string>) =>
  collector.app.inject({ method: "POST", url, payload, headers });
const act = (id: string, payload: object, headers = collector.browser("operator")) =>
  post(`/api/v1/incidents/${id}/actions`, payload, headers);

const READS = [
  "/api/v1/me",
  "/api/v1/overview",
  "/api/v1/incidents",
  "/api/v1/incidents/INC-000001",
  "/api/v1/sites",
  "/api/v1/sites/berlin-01/devices",
  "/api/v1/sites/berlin-01/device?id=switch-1",
  "/api/v1/sites/berlin-01/events",
  "/api/v1/sites/berlin-01/series?device=switch-1&metric=up&from=0&to=1000",
  "/api/v1/agents",
  "/api/v1/agents/berlin-01/back-office",
  "/api/v1/audit/delivery",
  "/api/v1/maintenance",
  "/api/v1/notifications/channels",
  "/api/v1/notifications/log",
  "/api/v1/rules",
  "/api/v1/rules/media-out/explain?site=berlin-01&device=receiving/label-printer",
  "/api/v1/people",
];

describe("who may", () => {
  it.each([...READS, "/api/v1/stream"])("not read %s without a sign-in", async (url) => {
    const answer = await get(url, {});
    expect([answer.statusCode, answer.json()]).toEqual([401, { error: "not_signed_in", message: "Sign in first." }]);
  });

  it("use no endpoint without a sign-in but those that are for everybody, and act nowhere as a viewer", async () => {
    const open = ["/healthz", "/metrics", "/api/v1/openapi.json", "/api/v1/session"];
    const { paths = {} } = await openApiDocument();
    const endpoints = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods ?? {}).map((method) => ({ path, method })),
    );
    const found = endpoints.filter(({ path }) => !open.some((prefix) => path.startsWith(prefix)));
    expect(found.length).toBeGreaterThan(20);
    for (const { path, method } of found) {
      const ask = (headers: Record<string, string>) =>
        collector.app.inject({ method: method.toUpperCase() as "GET", url: path.replaceAll(/[{}]/g, ""), headers });
      expect([path, method, (await ask({})).statusCode]).toEqual([path, method, 401]);
      if (method === "get") continue;
      expect([path, method, (await ask(collector.browser("viewer"))).statusCode]).toEqual([path, method, 403]);
    }
  });

  it.each(READS)("read %s as a viewer, by cookie and by token", async (url) => {
    collector.open();
    expect((await get(url)).statusCode).toBe(200);
    expect((await get(url, collector.program("viewer"))).statusCode).toBe(200);
  });

  it.each([
    { name: "a viewer's cookie", headers: () => collector.browser("viewer"), status: 403 },
    { name: "a viewer's token", headers: () => collector.program("viewer"), status: 403 },
    { name: "nobody", headers: () => ({}), status: 401 },
    { name: "a token that is none", headers: () => ({ authorization: `Bearer ${"x".repeat(43)}` }), status: 401 },
    { name: "an operator's cookie", headers: () => collector.browser("operator"), status: 200 },
    { name: "an operator's token", headers: () => collector.program("operator"), status: 200 },
    { name: "an administrator", headers: () => collector.browser("admin"), status: 200 },
  ])("act: $name gets $status", async ({ headers, status }) => {
    const { id } = collector.open();
    expect((await act(id, { action: "acknowledge" }, headers())).statusCode).toBe(status);
  });

  it.each([
    { name: "a page of another site", headers: { "sec-fetch-site": "cross-site" }, status: 403 },
    { name: "a page of another port of this host", headers: { "sec-fetch-site": "same-site" }, status: 403 },
    { name: "an older browser on another site", headers: { origin: "https://evil.example" }, status: 403 },
    { name: "a browser that hides its origin", headers: { origin: "null" }, status: 403 },
    { name: "a cookie with no word of where from", headers: {}, status: 403 },
    { name: "an older browser on the page", headers: { origin: "http://noc.example:8080" }, status: 200 },
    { name: "the page", headers: { "sec-fetch-site": "same-origin", origin: "http://noc.example:8080" }, status: 200 },
  ])("act across sites: $name gets $status", async ({ headers, status }) => {
    const { id } = collector.open();
    const { cookie = "" } = collector.browser("operator");
    const answer = await act(id, { action: "acknowledge" }, { cookie, host: "noc.example:8080", ...headers } as never);
    expect(answer.statusCode).toBe(status);
    if (status === 403) expect(answer.json().error).toBe("foreign_origin");
  });
});

describe("signing in", () => {
  it("by link: once, within ten minutes, with a cookie that only this browser's own page sends", async () => {
    const link = createLoginLink(authDeps(), "admin");
    expect((await collector.app.inject({ method: "HEAD", url: link })).statusCode).toBe(405);
    const first = await get(link, {});
    expect([first.statusCode, first.headers.location]).toEqual([303, "/"]);
    expect(first.headers["set-cookie"]).toMatch(
      /^aislewatch=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    const cookie = String(first.headers["set-cookie"]).split(";")[0] ?? "";
    expect((await get("/api/v1/me", { cookie })).json()).toEqual({ name: "admin", role: "admin" });
    const second = await get(link, {});
    expect([second.statusCode, second.json().error]).toEqual([401, "link_spent"]);
    const inBrowser = await get(link, { accept: "text/html,application/xhtml+xml,*/*;q=0.8" });
    expect([inBrowser.statusCode, inBrowser.headers.location]).toEqual([303, "/login?spent"]);

    const late = createLoginLink(authDeps(), "admin");
    collector.clock.advance(LINK_LIFE_MS + 1);
    expect((await get(late, {})).statusCode).toBe(401);
  });

  it("by password, and not by a wrong one", async () => {
    await putUser(authDeps(), { name: "kim", role: "operator", password: "correct horse" });
    const right = await post("/api/v1/session", { name: "kim", password: "correct horse" }, {});
    expect([right.statusCode, right.json()]).toEqual([200, { name: "kim", role: "operator" }]);
    for (const payload of [
      { name: "kim", password: "wrong" },
      { name: "nobody", password: "correct horse" },
      { name: "admin", password: "admin" },
    ]) {
      const wrong = await post("/api/v1/session", payload, {});
      expect([wrong.statusCode, wrong.json()]).toEqual([
        401,
        { error: "wrong_password", message: "Name or password is wrong." },
      ]);
      expect(wrong.headers["set-cookie"]).toBeUndefined();
    }
    expect(collector.state.auditLog(10).map(({ action }) => action)).toEqual([
      "sign_in_refused",
      "sign_in_refused",
      "sign_in_refused",
      "signed_in",
    ]);
  });

  it("not from a page of another site", async () => {
    const answer = await post("/api/v1/session", { name: "a", password: "b" }, { origin: "https://evil.example" });
    expect(answer.statusCode).toBe(403);
  });

  it("not more than ten times a minute", async () => {
    const answers = [];
    for (let attempt = 0; attempt < 12; attempt++) answers.push(await get("/api/v1/session/link/none", {}));
    expect(answers.map((answer) => answer.statusCode)).toEqual([...Array(10).fill(401), 429, 429]);
    expect(answers.at(-1)?.json()).toMatchObject({ error: "too_often" });
  });

  it("ends with signing out, everywhere that cookie is", async () => {
    const headers = collector.browser("operator");
    const out = await collector.app.inject({ method: "DELETE", url: "/api/v1/session", headers });
    expect([out.statusCode, out.body]).toEqual([204, ""]);
    expect(out.headers["set-cookie"]).toMatch(/^aislewatch=; .*Expires=Thu, 01 Jan 1970/);
    expect((await get("/api/v1/me", headers)).statusCode).toBe(401);
  });

  it("lasts while it is used, twelve hours when not, thirty days at most", async () => {
    const headers = collector.browser("viewer");
    const hour = 3_600_000;
    for (let day = 0; day < 59; day++) {
      collector.clock.advance(11.9 * hour);
      expect((await get("/api/v1/me", headers)).statusCode).toBe(200);
    }
    collector.clock.advance(23 * hour);
    expect((await get("/api/v1/me", headers)).statusCode).toBe(401);
    const idle = collector.browser("viewer");
    collector.clock.advance(12 * hour + 1);
    expect((await get("/api/v1/me", idle)).statusCode).toBe(401);
  });

  it("sets a cookie that never leaves TLS when the collector has it", async () => {
    const secure = await sampleCollector({ tls: { key, cert } });
    const link = createLoginLink({ state: secure.state, clock: secure.clock, random }, "admin");
    const answer = await secure.app.inject({ method: "GET", url: link });
    expect(answer.headers["set-cookie"]).toMatch(/^__Host-aislewatch=.*; HttpOnly; Secure; SameSite=Strict$/);
    expect(answer.headers["strict-transport-security"]).toBe("max-age=31536000");
    await secure.close();
  });
});

describe("incidents", () => {
  it("are listed with names, open ones first asked for, and counted", async () => {
    const first = collector.open();
    const second = collector.open({ rule: "head-open", at: T0 + 1 });
    collector.write(second, { type: "resolved", code: "cleaned", text: null });
    const open = (await get("/api/v1/incidents")).json();
    expect(open).toMatchObject({
      total: 1,
      cursor: null,
      items: [
        {
          id: first.id,
          siteName: "Berlin Alexanderplatz",
          deviceName: "Label printer, receiving",
          kind: "label_printer",
        },
      ],
    });
    const count = async (query: string) => (await get(`/api/v1/incidents?${query}`)).json().total;
    expect(await count("state=all")).toBe(2);
    expect(await count("state=resolved,closed")).toBe(1);
    expect(await count("state=all&priority=P1,P2")).toBe(2);
    expect(await count("state=all&priority=P3")).toBe(0);
    expect(await count("site=berlin-01&device=receiving/label-printer&q=media")).toBe(1);
    expect(await count("q=%20")).toBe(1);
  });

  it("are listed a page at a time", async () => {
    for (let n = 0; n < 3; n++) collector.open({ rule: `rule-${n}`, at: T0 + n });
    const first = (await get("/api/v1/incidents?limit=2")).json();
    expect([first.items.length, first.total]).toEqual([2, 3]);
    const rest = (await get(`/api/v1/incidents?limit=2&cursor=${encodeURIComponent(first.cursor)}`)).json();
    expect([rest.items.length, rest.cursor]).toEqual([1, null]);
  });

  it.each(["state=opne", "priority=P9", "limit=0", "limit=5000", "limit=x"])(
    "refuse the question %s",
    async (query) => {
      const answer = await get(`/api/v1/incidents?${query}`);
      expect(answer.statusCode).toBe(400);
      expect(answer.json()).toMatchObject({
        error: "invalid",
        message: expect.stringContaining(query.split("=")[0] ?? ""),
      });
    },
  );

  it("are shown with all that belongs to them", async () => {
    const earlier = collector.open({ at: T0 - 86_400_000 });
    collector.write(earlier, { type: "resolved", code: "cleaned", text: null }, { type: "closed" });
    const below = collector.open({ rule: "no-comms", suppressedBy: "berlin-01/switch-1" });
    const above = collector.open({ rule: "switch-down", device: "switch-1" });
    const incident = collector.open();
    const detail = (await get(`/api/v1/incidents/${incident.id}`)).json();
    expect(detail).toMatchObject({
      incident: { id: incident.id, version: 1 },
      events: [
        {
          seq: 1,
          type: "opened",
          actor: "system",
          text: expect.stringContaining("Opened as P1"),
          detail: { rule: "media-out" },
        },
      ],
      runbook: { title: "Labels are out" },
      chart: { metric: "head_temperature_celsius", unit: "°C", threshold: 60, from: T0 - 600_000, to: T0 + 1_000 },
      asset: { model: "ZT411" },
      contacts: [
        { name: "Kim Brandt", role: "manager", phone: "+49 30 5550100", email: null, reachable: true },
        { name: "Lee Wolf", role: "facilities", phone: null, email: "lee@example.com", reachable: false },
      ],
      suppresses: [],
      earlier: [{ id: earlier.id }],
    });
    expect((await get(`/api/v1/incidents/${above.id}`)).json()).toMatchObject({
      suppresses: [{ id: below.id }],
      asset: {},
      chart: null,
    });
  });

  it("are not found when they are not there", async () => {
    expect((await get("/api/v1/incidents/INC-999999")).json()).toMatchObject({ error: "no_incident" });
    const answer = await act("INC-999999", { action: "acknowledge" });
    expect([answer.statusCode, answer.json().error]).toEqual([404, "no_incident"]);
  });

  it("take actions, in the name of who acts", async () => {
    const { id } = collector.open();
    const headers = collector.browser("operator");
    expect((await act(id, { action: "acknowledge", version: 1 }, headers)).json()).toMatchObject({
      state: "acknowledged",
      acknowledgedBy: "user:operator",
      version: 2,
    });
    expect((await act(id, { action: "assign", to: "kim" }, headers)).json()).toMatchObject({ assignee: "kim" });
    expect((await act(id, { action: "note", text: "called" }, collector.program("admin"))).statusCode).toBe(200);
    const actors = (await get(`/api/v1/incidents/${id}`)).json().events.map((event: { actor: string }) => event.actor);
    expect(actors).toEqual(["system", "user:operator", "user:operator", expect.stringMatching(/^token:admin-/)]);
  });

  it("refuse with the incident as it is now, so that the second person sees who did what", async () => {
    const { id } = collector.open();
    await act(id, { action: "acknowledge", version: 1 });
    const second = await act(id, { action: "hold", reason: "awaiting_part", version: 1 }, collector.browser("admin"));
    expect([second.statusCode, second.json()]).toEqual([
      409,
      {
        error: "conflict",
        message: `${id} has changed since (version 2, not 1).`,
        incident: expect.objectContaining({ id, version: 2, state: "acknowledged", acknowledgedBy: "user:operator" }),
      },
    ]);
    expect((await act(id, { action: "resume" })).json()).toMatchObject({ incident: { id, state: "acknowledged" } });
  });

  it("are put on hold for a listed reason, and say it in words", async () => {
    const { id } = collector.open();
    const held = await act(id, { action: "hold", reason: "awaiting_part", text: "ordered" });
    expect(held.json()).toMatchObject({ state: "on_hold", holdReason: "awaiting_part" });
    expect((await act(id, { action: "hold", reason: "waits for a part" })).statusCode).toBe(400);
    expect((await get(`/api/v1/incidents/${id}`)).json()).toMatchObject({
      work: { holdText: "ordered", vendor: null, checked: [] },
      events: expect.arrayContaining([expect.objectContaining({ text: "On hold, awaiting part: ordered" })]),
    });
  });

  it("are merged and split, and the one that is worked on lists the other", async () => {
    const [loser, winner] = [collector.open({ rule: "other" }), collector.open()];
    const merged = await act(loser.id, { action: "merge", into: winner.id, version: 1, intoVersion: 1 });
    expect(merged.json()).toMatchObject({ state: "merged", mergedInto: winner.id });
    expect((await get("/api/v1/incidents")).json().items.map((one: { id: string }) => one.id)).toEqual([winner.id]);
    expect((await get(`/api/v1/incidents/${winner.id}`)).json()).toMatchObject({ absorbed: [{ id: loser.id }] });
    expect((await act(loser.id, { action: "start" })).json()).toMatchObject({ error: "not_allowed" });
    expect((await act(loser.id, { action: "merge", into: "INC-000099" })).statusCode).toBe(404);
    expect((await act(loser.id, { action: "split" })).json()).toMatchObject({ state: "new", mergedInto: null });
  });

  it("say how their clocks stand, what is due first, and who is asked next", async () => {
    const { id } = collector.open();
    const detail = (await get(`/api/v1/incidents/${id}`)).json();
    expect(detail).toMatchObject({
      contract: null,
      penalty: null,
      clocks: [
        { clock: "response", state: "running", cycle: 1, standsStill: null },
        { clock: "restore", state: "running" },
      ],
      escalation: {
        chain: "stores",
        steps: [{ when: "after 30 minutes unresolved", tier: 2, tell: ["field-support"], run: null, taken: 0 }],
        nextByHand: 0,
      },
    });
    const { due } = (await get("/api/v1/incidents")).json().items[0];
    expect(due).toEqual({ clock: "response", state: "running", dueAt: detail.clocks[0].dueAt });
  });

  it("are escalated by hand, to the next in the chain or to a tier, and not back", async () => {
    const { id } = collector.open();
    expect((await act(id, { action: "escalate", why: "PLC" })).json()).toMatchObject({ tier: 2, state: "new" });
    expect((await act(id, { action: "escalate", why: "more" })).json()).toMatchObject({ error: "not_allowed" });
    expect((await act(id, { action: "escalate", tier: 2, why: "more" })).statusCode).toBe(422);
    expect((await act(id, { action: "escalate", tier: 4, why: "RMA", version: 1 })).statusCode).toBe(409);
    expect((await act(id, { action: "escalate", tier: 4, why: "RMA" })).json()).toMatchObject({ tier: 4 });
    expect((await act(id, { action: "escalate", tier: 5, why: "x" })).statusCode).toBe(400);
    const { escalation } = (await get(`/api/v1/incidents/${id}`)).json();
    expect(escalation).toMatchObject({ nextByHand: null, next: null, steps: [{ taken: 1 }] });
  });

  it("take a pause that is claimed afterwards, within their time", async () => {
    const { id, openedAt } = collector.open();
    collector.clock.advance(3_600_000);
    const claim = { action: "claim_pause", reason: "awaiting_site_access", text: "locked" };
    const claimed = await act(id, { ...claim, from: openedAt, to: openedAt + 1_800_000 });
    expect(claimed.statusCode).toBe(200);
    const { clocks } = (await get(`/api/v1/incidents/${id}`)).json();
    expect(clocks.find(({ clock }: { clock: string }) => clock === "restore")).toMatchObject({ pausedMs: 1_800_000 });
    for (const [from, to] of [
      [openedAt - 1, openedAt + 1],
      [openedAt + 1, openedAt + 1],
      [openedAt, openedAt + 7_200_000],
    ]) {
      expect((await act(id, { ...claim, from, to })).statusCode).toBe(422);
    }
  });

  it("show an onset as a person corrected it", async () => {
    const { id } = collector.open();
    expect((await act(id, { action: "correct_onset", onset: T0 - 5_000, why: "seen before" })).json()).toMatchObject({
      onset: T0 - 5_000,
    });
    expect((await act(id, { action: "correct_onset", onset: T0 + 99_000, why: "x" })).statusCode).toBe(422);
  });

  it("are listed when they are for review", async () => {
    const [cures] = [collector.open({ rule: "other" }), collector.open()];
    collector.write(cures, { type: "review_due", times: 4, withinMs: 1_000 });
    const ids = (await get("/api/v1/incidents?review=true")).json().items.map((one: { id: string }) => one.id);
    expect(ids).toEqual([cures.id]);
    expect((await act(cures.id, { action: "review" })).json()).toMatchObject({ review: null });
    expect((await get("/api/v1/incidents?review=true")).json().total).toBe(0);
  });

  describe("many at a time", () => {
    const many = (incidents: object[], action: object, headers = collector.browser("operator")) =>
      post("/api/v1/incidents/actions", { incidents, action }, headers);

    it("are each acted on by itself, and each has its own answer", async () => {
      const [a, b, c] = [collector.open(), collector.open({ rule: "b" }), collector.open({ rule: "c" })];
      await act(c.id, { action: "start" });
      const answer = await many(
        [{ id: a.id, version: 1 }, { id: b.id, version: 9 }, { id: "INC-000099" }, { id: c.id }],
        { action: "acknowledge", version: 77 },
      );
      expect(answer.json()).toMatchObject({
        done: 1,
        refused: 3,
        results: [
          { id: a.id, ok: true, incident: { state: "acknowledged" }, error: null },
          { id: b.id, ok: false, incident: { state: "new", version: 1 }, error: { error: "conflict" } },
          { id: "INC-000099", ok: false, incident: null, error: { error: "not_found" } },
          { id: c.id, ok: false, incident: { state: "in_progress" }, error: { error: "not_allowed" } },
        ],
      });
      expect(collector.state.incidentEvents(a.id).at(-1)).toMatchObject({ actor: "user:operator" });
      expect(collector.state.incident(b.id)?.version).toBe(1);
    });

    it.each([
      { name: "none", incidents: [] },
      { name: "one twice", incidents: [{ id: "INC-000001" }, { id: "INC-000001" }] },
      { name: "too many", incidents: Array.from({ length: 501 }, (_, n) => ({ id: `INC-${n}` })) },
    ])("are refused whole when they are $name", async ({ incidents }) => {
      expect((await many(incidents, { action: "acknowledge" })).statusCode).toBe(400);
    });

    it("may be 500", async () => {
      const incidents = Array.from({ length: 500 }, (_, n) => ({ id: `INC-${1_000_000 + n}`, version: 12 }));
      expect(
        (await many(incidents, { action: "resolve", code: "cleaned", text: "x".repeat(4_000) })).json(),
      ).toMatchObject({ done: 0, refused: 500 });
    });
  });

  it.each([
    { name: "an older version", payload: { action: "acknowledge", version: 0 }, status: 409, error: "conflict" },
    { name: "what its state does not allow", payload: { action: "resume" }, status: 422, error: "not_allowed" },
    {
      name: "no reason while it fires",
      payload: { action: "resolve", code: "cleaned" },
      status: 422,
      error: "text_needed",
    },
    { name: "an unknown action", payload: { action: "explode" }, status: 400, error: "invalid" },
    { name: "an unknown code", payload: { action: "resolve", code: "magic" }, status: 400, error: "invalid" },
    { name: "an empty note", payload: { action: "note", text: "" }, status: 400, error: "invalid" },
    { name: "a note without end", payload: { action: "note", text: "x".repeat(4_001) }, status: 400, error: "invalid" },
    {
      name: "a body without end",
      payload: { action: "note", text: "x".repeat(40_000) },
      status: 413,
      error: "too_large",
    },
  ])("refuse $name with $status", async ({ payload, status, error }) => {
    const { id } = collector.open();
    const answer = await act(id, payload);
    expect([answer.statusCode, answer.json().error]).toEqual([status, error]);
    expect(collector.state.incident(id)?.version).toBe(1);
  });

  it.each([
    { name: "no JSON", body: "{", type: "application/json", status: 400, error: "not_json" },
    { name: "an empty body", body: "", type: "application/json", status: 400, error: "not_json" },
    {
      name: "a form",
      body: "action=acknowledge",
      type: "application/x-www-form-urlencoded",
      status: 415,
      error: "media_type",
    },
  ])("refuse $name with $status", async ({ body, type, status, error }) => {
    const { id } = collector.open();
    const answer = await collector.app.inject({
      method: "POST",
      url: `/api/v1/incidents/${id}/actions`,
      payload: body,
      headers: { ...collector.browser("operator"), "content-type": type },
    });
    expect([answer.statusCode, answer.json().error]).toEqual([status, error]);
  });
});

describe("what is watched", () => {
  it("is summed up in figures", async () => {
    collector.open();
    expect((await get("/api/v1/overview")).json()).toEqual({
      now: T0,
      version: "0.1.0",
      incidents: { P1: 1, P2: 0, P3: 0, P4: 0, P5: 0 },
      unacknowledged: 1,
      sites: 1,
      devices: { total: 2, up: 1, down: 0, unreachable: 1, unknown: 0 },
      agents: { total: 1, online: 1 },
      rules: { version: "r1", count: 1, refused: ["rules/packs/ups.yaml:3:1 CFG_UNKNOWN_KEY"] },
      samplesPerSecond: 12.5,
    });
  });

  it("is listed by site, with open or closed by the site's own clock", async () => {
    expect((await get("/api/v1/sites")).json()).toMatchObject([
      { id: "berlin-01", open: true, devices: 2, up: 1, unknown: 1, agents: [{ id: "back-office", online: true }] },
    ]);
    collector.clock.advance(12 * 3_600_000 - 1);
    expect((await get("/api/v1/sites")).json()).toMatchObject([{ open: false }]);
  });

  it("is shown device by device", async () => {
    const { id } = collector.open();
    expect((await get("/api/v1/sites/berlin-01/devices")).json()).toMatchObject([
      { id: "receiving/label-printer", state: "unreachable", worst: "major", incidents: [id], profile: null },
      { id: "switch-1", name: "switch-1", state: "up", incidents: [] },
    ]);
    expect((await get("/api/v1/sites/berlin-01/device?id=receiving/label-printer")).json()).toMatchObject({
      device: { lastFailure: { kind: "timeout" } },
      values: [
        { metric: "media_out", type: "boolean", bad: true, value: true },
        { metric: "of_a_newer_agent", unit: "", meaning: "", type: "number", bad: null, stale: true },
      ],
      faults: [{ rule: "media-out", state: "firing", suppressedBy: null }],
      dependents: [],
    });
    expect((await get("/api/v1/sites/berlin-01/device?id=switch-1")).json().dependents).toEqual([
      "receiving/label-printer",
    ]);
  });

  it("tells what happened to devices, newest first, in words where the code has some", async () => {
    const happened = (at: number, code: string, device = "switch-1") => ({
      ...{ site: "berlin-01", device, component: "port-1", at, code, detail: `at ${at}`, recordedAt: T0 },
    });
    collector.state.commit({
      deviceEvents: [
        happened(1, "port_down"),
        happened(2, "port_down_cleared"),
        happened(3, "trap"),
        happened(4, "constructor"),
        happened(5, "on_battery", "receiving/label-printer"),
        { ...happened(6, "port_down"), site: "elsewhere" },
      ],
    });
    const all = (await get("/api/v1/sites/berlin-01/events")).json();
    expect(all[4]).toEqual({
      at: 1,
      device: "switch-1",
      component: "port-1",
      code: "port_down",
      meaning: "Link of a port lost",
      detail: "at 1",
    });
    expect(all.map(({ meaning }: { meaning: string | null }) => meaning)).toEqual([
      "Mains lost",
      null,
      null,
      "Over: Link of a port lost",
      "Link of a port lost",
    ]);
    expect((await get("/api/v1/sites/berlin-01/events?device=switch-1&limit=2")).json()).toEqual(all.slice(1, 3));
    expect((await get("/api/v1/sites/berlin-01/device?id=switch-1")).json().events).toEqual(all.slice(1));
  });

  it.each([
    { url: "/api/v1/sites/nowhere/events", status: 404, error: "no_site" },
    { url: "/api/v1/sites/berlin-01/events?limit=0", status: 400, error: "invalid" },
    { url: "/api/v1/sites/berlin-01/events?device=A%20b", status: 400, error: "invalid" },
    { url: "/api/v1/sites/nowhere/devices", status: 404, error: "no_site" },
    { url: "/api/v1/sites/nowhere/device?id=a", status: 404, error: "no_site" },
    { url: "/api/v1/sites/berlin-01/device?id=nothing", status: 404, error: "no_device" },
    { url: "/api/v1/sites/berlin-01/device?id=a/b/c", status: 404, error: "no_device" },
    { url: "/api/v1/sites/berlin-01/device", status: 400, error: "invalid" },
    { url: "/api/v1/sites/Berlin%2001/devices", status: 400, error: "invalid" },
    { url: "/api/v1/sites/berlin-01/series?device=a&metric=up&from=5&to=5", status: 400, error: "invalid" },
    { url: "/api/v1/sites/berlin-01/series?device=a&metric=up&from=0&to=1e15", status: 400, error: "invalid" },
    { url: "/api/v1/sites/berlin-01/series?device=a&metric='--&from=0&to=5", status: 400, error: "invalid" },
    {
      url: "/api/v1/sites/berlin-01/series?device=a&metric=up&from=0&to=5&points=99999",
      status: 400,
      error: "invalid",
    },
  ])("refuses $url with $status", async ({ url, status, error }) => {
    const answer = await get(url);
    expect([answer.statusCode, answer.json().error]).toEqual([status, error]);
  });

  it("is drawn over time", async () => {
    const url =
      "/api/v1/sites/berlin-01/series?device=receiving/label-printer&metric=head_temperature_celsius&from=1000&to=2000";
    expect((await get(url)).json()).toEqual({
      metric: "head_temperature_celsius",
      unit: "°C",
      type: "number",
      component: null,
      points: [{ at: 1000, mean: 21.5, min: 20, max: 23 }],
    });
    expect(collector.asked).toEqual([
      {
        series: {
          site: "berlin-01",
          device: "receiving/label-printer",
          component: null,
          metric: "head_temperature_celsius",
        },
        range: { from: 1000, to: 2000, pointsMax: 400 },
      },
    ]);
  });

  it("answers 500 without saying what broke; the log is told", async () => {
    const answer = await get("/api/v1/sites/berlin-01/series?device=switch-1&metric=broken&from=0&to=1000");
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toEqual({
      error: "internal",
      message: "The collector failed to answer; its log says why.",
    });
    expect(collector.failures).toMatchObject([
      { method: "GET", route: "/api/v1/sites/:site/series", error: { message: "the disk is gone: secret detail" } },
    ]);
  });

  it("is judged by rules, and people can be assigned", async () => {
    expect((await get("/api/v1/rules")).json()).toMatchObject([
      { id: "media-out", severities: ["major"], firing: 1, file: "rules/packs/label-printers.yaml", line: 3 },
    ]);
    expect((await get("/api/v1/people")).json()).toEqual(["admin", "operator"]);
  });
});

describe("for machines", () => {
  it("/healthz is 200 only while ingest works, and says why not", async () => {
    expect((await get("/healthz", {})).json()).toEqual({ ok: true, reasons: [] });
    collector.health.ok = false;
    collector.health.reasons.push("the state store cannot write: disk full");
    const answer = await get("/healthz", {});
    expect([answer.statusCode, answer.json()]).toEqual([
      503,
      { ok: false, reasons: ["the state store cannot write: disk full"] },
    ]);
  });

  it.each([
    { name: "from this machine", from: "127.0.0.1", headers: {}, status: 200 },
    { name: "from this machine by IPv6", from: "::1", headers: {}, status: 200 },
    { name: "from another", from: "192.0.2.7", headers: {}, status: 401 },
    {
      name: "through a proxy on this machine",
      from: "127.0.0.1",
      headers: { "x-forwarded-for": "192.0.2.7" },
      status: 401,
    },
  ])("/metrics $name gets $status", async ({ from, headers, status }) => {
    const answer = await collector.app.inject({ method: "GET", url: "/metrics", headers, remoteAddress: from });
    expect(answer.statusCode).toBe(status);
  });

  it("/metrics is Prometheus text, with a token from anywhere", async () => {
    const headers = collector.program("viewer");
    const answer = await collector.app.inject({ method: "GET", url: "/metrics", headers, remoteAddress: "192.0.2.7" });
    expect(answer.headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(answer.body).toMatch(/^aislewatch_samples_total 7\n# HELP aislewatch_stream_clients /);
    for (const line of answer.body.trimEnd().split("\n"))
      expect(line).toMatch(/^(# (HELP|TYPE) )?aislewatch_\w+ [\w. ]+$/);
  });

  it.each([
    { method: "PUT" as const, url: "/api/v1/incidents", allow: "GET, HEAD" },
    { method: "GET" as const, url: "/api/v1/session", allow: "DELETE, POST" },
    { method: "POST" as const, url: "/healthz", allow: "GET, HEAD" },
  ])("$method $url is 405 and says what is allowed", async ({ method, url, allow }) => {
    const answer = await collector.app.inject({ method, url, headers: { accept: "text/html" } });
    expect([answer.statusCode, answer.headers["allow"], answer.json().error]).toEqual([
      405,
      allow,
      "method_not_allowed",
    ]);
  });

  it.each(["/api/v1/nothing", "/api", "/assets/none.js"])("%s is 404 as JSON, also for a browser", async (url) => {
    const answer = await get(url, { accept: "text/html" });
    expect([answer.statusCode, answer.json().error]).toEqual([404, "no_such_path"]);
  });

  it("says how to build the page when it is not built", async () => {
    const answer = await get("/", { accept: "text/html" });
    expect([answer.statusCode, answer.json().hint]).toEqual([404, "Build it with: npm run page"]);
  });

  it("every answer forbids inline scripts, framing and sniffing, and the API's are not cached", async () => {
    for (const url of ["/healthz", "/api/v1/me", "/nothing", "/api/v1/openapi.json"]) {
      const { headers } = await get(url, {});
      expect(headers["content-security-policy"]).toMatch(
        /^default-src 'none'; script-src 'self';.*frame-ancestors 'none'$/,
      );
      expect(headers["content-security-policy"]).not.toContain("unsafe");
      expect([headers["x-content-type-options"], headers["referrer-policy"]]).toEqual(["nosniff", "no-referrer"]);
    }
    expect((await get("/api/v1/overview")).headers["cache-control"]).toBe("no-store");
  });
});

describe("the page", () => {
  let root = "";
  let served: SampleCollector;
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "aislewatch-page-"));
    const dir = join(root, "dist");
    mkdirSync(join(dir, "assets"), { recursive: true });
    writeFileSync(join(dir, "index.html"), "<!doctype html><title>NOC</title>");
    writeFileSync(join(dir, "assets/app-1a2b.js"), "export {};");
    writeFileSync(join(dir, ".env"), "SECRET");
    writeFileSync(join(root, "state.db"), "SECRET");
    served = await sampleCollector({ pageDir: dir });
  });
  afterEach(async () => {
    await served.close();
    rmSync(root, { recursive: true });
  });
  const fetchPage = (url: string) => served.app.inject({ method: "GET", url, headers: { accept: "text/html,*/*" } });

  it.each(["/", "/incidents/INC-000001", "/sites/berlin-01?tab=devices"])(
    "is at %s, always asked for again",
    async (url) => {
      const answer = await fetchPage(url);
      expect([answer.statusCode, answer.headers["cache-control"]]).toEqual([200, "no-cache"]);
      expect(answer.body).toContain("<title>NOC</title>");
    },
  );

  it("keeps its hashed files for good", async () => {
    const answer = await fetchPage("/assets/app-1a2b.js");
    expect([answer.statusCode, answer.headers["cache-control"]]).toEqual([200, "public, max-age=31536000, immutable"]);
    expect((await fetchPage("/assets/app-none.js")).statusCode).toBe(404);
  });

  it.each(["/../state.db", "/%2e%2e/state.db", "/assets/..%2f..%2fstate.db", "/..%5cstate.db", "/.env"])(
    "never reaches out of its folder: %s",
    async (url) => expect((await fetchPage(url)).body).not.toContain("SECRET"),
  );
});

describe("the agents", () => {
  const AGENT = "/api/v1/agents/berlin-01/back-office";
  const remove = (headers: Record<string, string>) => collector.app.inject({ method: "DELETE", url: AGENT, headers });

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
    expect((await remove(collector.browser("operator"))).statusCode).toBe(403);
    expect(collector.removed).toEqual([]);
    expect((await remove(collector.browser("admin"))).statusCode).toBe(204);
    expect(collector.removed).toEqual(["berlin-01/back-office"]);
    expect(collector.state.auditLog(1)).toMatchObject([{ actor: "user:admin", action: "agent_removed" }]);
    expect((await remove(collector.browser("admin"))).statusCode).toBe(404);
  });

  it("have their missing batches explained by who may act, once, and it is audited", async () => {
    const body = { site: "berlin-01", agent: "back-office", text: "the disk was swapped" };
    const explain = (headers: Record<string, string>) => post("/api/v1/audit/delivery/explain", body, headers);
    expect((await explain(collector.browser("viewer"))).statusCode).toBe(403);
    expect((await explain(collector.program("operator"))).json()).toEqual({ explained: 1 });
    expect((await explain(collector.program("operator"))).json()).toEqual({ explained: 0 });
    expect(collector.state.auditLog(5).map(({ action }) => action)).toEqual(["gap_explained"]);
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
    expect((await post(URL, { kind }, collector.browser(who))).statusCode).toBe(status);
  });

  it("are recorded with who asked, and can be looked up", async () => {
    const body = { kind: "probe_now", device: "switch-1" };
    const { id } = (await post(URL, body, collector.program("operator"))).json();
    const found = (await get(`/api/v1/commands/${id}`)).json();
    expect(found).toMatchObject({ kind: "probe_now", device: "switch-1", state: "sent", agent: "back-office" });
    expect(found.by).toMatch(/^token:operator/);
    expect((await get(URL)).json()).toEqual([found]);
    expect((await get("/api/v1/commands/none")).statusCode).toBe(404);
  });

  it("are refused of an agent that is away or not there, and of any other kind", async () => {
    const as = collector.browser("admin");
    expect((await post(URL, { kind: "probe_now", device: "away" }, as)).statusCode).toBe(409);
    expect((await post("/api/v1/agents/berlin-01/none/commands", { kind: "reload" }, as)).statusCode).toBe(404);
    expect((await post(URL, { kind: "run_shell" }, as)).statusCode).toBe(400);
    expect((await post(URL, { kind: "probe_now", device: "../../x" }, as)).statusCode).toBe(400);
  });
});

describe("maintenance", () => {
  const URL = "/api/v1/maintenance";
  const hour = { reason: "new switches", where: { site: ["berlin-01"] }, from: T0, to: T0 + 3_600_000 };
  const nightly = { reason: "updates", where: {}, weekly: { days: ["mon", "sun"], from: "03:00", to: "04:00" } };

  it("is planned by who may act, ended early, and audited", async () => {
    const as = collector.browser("operator");
    expect((await post(URL, hour, collector.browser("viewer"))).statusCode).toBe(403);
    const added = await post(URL, hour, as);
    expect([added.statusCode, added.json()]).toMatchObject([
      201,
      { state: "running", by: "user:operator", to: hour.to },
    ]);
    collector.clock.advance(60_000);
    const ended = await post(`${URL}/${added.json().id}/end`, {}, as);
    expect([ended.statusCode, ended.json().to]).toEqual([200, T0 + 60_000]);
    expect((await get(URL)).json()).toHaveLength(1);
    expect(collector.state.auditLog(10).map(({ action }) => action)).toEqual(
      expect.arrayContaining(["maintenance_added", "maintenance_ended"]),
    );
    expect((await post(`${URL}/m-none/end`, {}, as)).statusCode).toBe(404);
  });

  it("may come back every week", async () => {
    const { weekly, state, from } = (await post(URL, nightly, collector.browser("operator"))).json();
    expect([state, from, weekly]).toEqual([
      "planned",
      null,
      [
        { day: "mon", from: "03:00", to: "04:00" },
        { day: "sun", from: "03:00", to: "04:00" },
      ],
    ]);
  });

  it("is changed by who may act, from once to every week, and audited", async () => {
    const as = collector.browser("operator");
    const { id } = (await post(URL, hour, as)).json();
    const put = (path: string, body: object, headers = as) =>
      collector.app.inject({ method: "PUT", url: `${URL}/${path}`, payload: body, headers });
    expect((await put(id, nightly, collector.browser("viewer"))).statusCode).toBe(403);
    const changed = await put(id, nightly);
    expect([changed.statusCode, changed.json()]).toMatchObject([200, { id, reason: "updates", from: null }]);
    expect((await put(id, { ...hour, to: T0 - 1 })).statusCode).toBe(422);
    expect((await put("m-none", nightly)).statusCode).toBe(404);
    expect((await get(URL)).json()).toMatchObject([{ id, weekly: [{ day: "mon" }, { day: "sun" }] }]);
    expect(collector.state.auditLog(10).map(({ action }) => action)).toContain("maintenance_changed");
  });

  it.each([
    { name: "no reason", body: { ...hour, reason: " " }, status: 400 },
    { name: "no end", body: { reason: "x", where: {} }, status: 422 },
    { name: "an end before it begins", body: { ...hour, to: T0 - 1 }, status: 422 },
    { name: "a year", body: { ...hour, to: T0 + 365 * 86_400_000 }, status: 422 },
    { name: "both ways", body: { ...nightly, to: T0 + 1 }, status: 422 },
    { name: "an unknown kind", body: { ...hour, where: { kind: ["toaster"] } }, status: 400 },
    { name: "an unknown zone", body: { ...nightly, weekly: { ...nightly.weekly, timeZone: "Mars" } }, status: 400 },
  ])("is refused with $name", async ({ body, status }) => {
    expect((await post(URL, body, collector.browser("operator"))).statusCode).toBe(status);
  });
});

describe("why a rule fires, or not", () => {
  const why = (query: string, rule = "media-out") => get(`/api/v1/rules/${rule}/explain?${query}`);
  const printer = "site=berlin-01&device=receiving/label-printer";

  it("is asked of the rules that look at a device", async () => {
    const ids = async (device: string) =>
      (await get(`/api/v1/rules?site=berlin-01&device=${device}`)).json().map(({ id }: { id: string }) => id);
    expect(await ids("receiving/label-printer")).toEqual(["media-out"]);
    expect(await ids("switch-1")).toEqual([]);
  });

  it("is said of now, with every part", async () => {
    const answer = await why(printer);
    expect(answer.json()).toMatchObject({
      rule: "media-out",
      at: T0,
      summary: "Does not fire: nobody knows whether media_out: never reported.",
      state: "inactive",
      conditions: [{ severity: "major", when: "media_out", holds: null, terms: [{ depth: 0, text: "media_out" }] }],
      replayedFrom: null,
    });
  });

  it("says that an edit is not in use, also to whoever asks for its new rule", async () => {
    const stuck = "An edit is refused, and the last good rules judge. rules/packs/ups.yaml:3:1 CFG_UNKNOWN_KEY";
    expect((await why(printer)).json().caveats).toEqual([stuck]);
    expect((await why(printer, "brand-new")).json().message).toBe(`There is no rule brand-new. ${stuck}`);
  });

  it("is said of a time that has passed, from what is stored", async () => {
    const answer = await why(`${printer}&at=${T0 - 60_000}`);
    expect(answer.json()).toMatchObject({ at: T0 - 60_000, replayedFrom: T0 - 60_000 - 1_800_000 });
    expect(collector.asked.map(({ series }) => `${series.device} ${series.metric}`)).toEqual([
      "receiving/label-printer up",
      "receiving/label-printer media_out",
      "switch-1 up",
    ]);
  });

  it.each([
    ["a rule that is not there", printer, "nonesuch", 404, "unknown_rule"],
    ["a device that is not there", "site=berlin-01&device=till", "media-out", 404, "unknown_subject"],
    ["a device that it does not select", "site=berlin-01&device=switch-1", "media-out", 404, "not_selected"],
    ["a time to come", `${printer}&at=${T0 + 60_000}`, "media-out", 422, "future"],
    ["no site", "", "media-out", 400, "invalid"],
  ])("is refused for %s", async (_, query, rule, status, error) => {
    const answer = await why(query, rule);
    expect([answer.statusCode, answer.json().error]).toEqual([status, error]);
  });
});
