import { describe, expect, it } from "vitest";
import { sampleClient } from "../sample-client.ts";
import { T0 } from "../sample-collector.ts";

const api = sampleClient();
const { get, post, act } = api;

describe("incidents", () => {
  it("are listed with names, open ones first asked for, and counted", async () => {
    const first = api.collector.open();
    const second = api.collector.open({ rule: "head-open", at: T0 + 1 });
    api.collector.write(second, { type: "resolved", code: "cleaned", text: null });
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
    for (let n = 0; n < 3; n++) api.collector.open({ rule: `rule-${n}`, at: T0 + n });
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
    const earlier = api.collector.open({ at: T0 - 86_400_000 });
    api.collector.write(earlier, { type: "resolved", code: "cleaned", text: null }, { type: "closed" });
    const below = api.collector.open({ rule: "no-comms", suppressedBy: "berlin-01/switch-1" });
    const above = api.collector.open({ rule: "switch-down", device: "switch-1" });
    const incident = api.collector.open();
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

  it("name what they are consequences of, and have their own below them, those that stand first", async () => {
    const above = api.collector.open({ rule: "switch-down", device: "switch-1" });
    const [over, standing] = [api.collector.open({ rule: "media-out" }), api.collector.open({ rule: "no-comms" })];
    const why = "it depends on switch-1, which is down";
    for (const { id } of [over, standing]) {
      const child = api.collector.write(id === over.id ? over : standing, {
        type: "parent_set",
        incident: above.id,
        why,
      });
      if (id === over.id) api.collector.write(child, { type: "recovered", values: {} });
    }
    expect((await get(`/api/v1/incidents/${above.id}`)).json()).toMatchObject({
      parent: null,
      children: { total: 2, standing: 1, items: [{ id: standing.id, parentWhy: why }, { id: over.id }] },
    });
    expect((await get(`/api/v1/incidents/${over.id}`)).json()).toMatchObject({
      parent: { id: above.id },
      children: { total: 0, standing: 0, items: [] },
    });
    const listed = async (query: string) =>
      (await get(`/api/v1/incidents?${query}`)).json().items.map(({ id }: { id: string }) => id);
    expect(await listed(`parent=${above.id}`)).toHaveLength(2);
    expect(await listed("parent=none")).toEqual([above.id]);
  });

  it("are not found when they are not there", async () => {
    expect((await get("/api/v1/incidents/INC-999999")).json()).toMatchObject({ error: "no_incident" });
    const answer = await act("INC-999999", { action: "acknowledge" });
    expect([answer.statusCode, answer.json().error]).toEqual([404, "no_incident"]);
  });

  it("take actions, in the name of who acts", async () => {
    const { id } = api.collector.open();
    const headers = api.collector.browser("operator");
    expect((await act(id, { action: "acknowledge", version: 1 }, headers)).json()).toMatchObject({
      state: "acknowledged",
      acknowledgedBy: "user:operator",
      version: 2,
    });
    expect((await act(id, { action: "assign", to: "kim" }, headers)).json()).toMatchObject({ assignee: "kim" });
    expect((await act(id, { action: "note", text: "called" }, api.collector.program("admin"))).statusCode).toBe(200);
    const actors = (await get(`/api/v1/incidents/${id}`)).json().events.map((event: { actor: string }) => event.actor);
    expect(actors).toEqual(["system", "user:operator", "user:operator", expect.stringMatching(/^token:admin-/)]);
  });

  it("refuse with the incident as it is now, so that the second person sees who did what", async () => {
    const { id } = api.collector.open();
    await act(id, { action: "acknowledge", version: 1 });
    const second = await act(
      id,
      { action: "hold", reason: "awaiting_part", version: 1 },
      api.collector.browser("admin"),
    );
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
    const { id } = api.collector.open();
    const held = await act(id, { action: "hold", reason: "awaiting_part", text: "ordered" });
    expect(held.json()).toMatchObject({ state: "on_hold", holdReason: "awaiting_part" });
    expect((await act(id, { action: "hold", reason: "waits for a part" })).statusCode).toBe(400);
    expect((await get(`/api/v1/incidents/${id}`)).json()).toMatchObject({
      work: { holdText: "ordered", vendor: null, checked: [] },
      events: expect.arrayContaining([expect.objectContaining({ text: "On hold, awaiting part: ordered" })]),
    });
  });

  it("are merged and split, and the one that is worked on lists the other", async () => {
    const [loser, winner] = [api.collector.open({ rule: "other" }), api.collector.open()];
    const merged = await act(loser.id, { action: "merge", into: winner.id, version: 1, intoVersion: 1 });
    expect(merged.json()).toMatchObject({ state: "merged", mergedInto: winner.id });
    expect((await get("/api/v1/incidents")).json().items.map((one: { id: string }) => one.id)).toEqual([winner.id]);
    expect((await get(`/api/v1/incidents/${winner.id}`)).json()).toMatchObject({ absorbed: [{ id: loser.id }] });
    expect((await act(loser.id, { action: "start" })).json()).toMatchObject({ error: "not_allowed" });
    expect((await act(loser.id, { action: "merge", into: "INC-000099" })).statusCode).toBe(404);
    expect((await act(loser.id, { action: "split" })).json()).toMatchObject({ state: "new", mergedInto: null });
  });

  it("say how their clocks stand, what is due first, and who is asked next", async () => {
    const { id } = api.collector.open();
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
    const { id } = api.collector.open();
    expect((await act(id, { action: "escalate", why: "PLC" })).json()).toMatchObject({ tier: 2, state: "new" });
    expect((await act(id, { action: "escalate", why: "more" })).json()).toMatchObject({ error: "not_allowed" });
    expect((await act(id, { action: "escalate", tier: 2, why: "more" })).statusCode).toBe(422);
    expect((await act(id, { action: "escalate", tier: 4, why: "RMA", version: 1 })).statusCode).toBe(409);
    expect((await act(id, { action: "escalate", tier: 4, why: "RMA" })).json()).toMatchObject({ tier: 4 });
    expect((await act(id, { action: "escalate", tier: 5, why: "x" })).statusCode).toBe(400);
    const { escalation } = (await get(`/api/v1/incidents/${id}`)).json();
    expect(escalation).toMatchObject({ nextByHand: null, next: null, steps: [{ taken: 1 }] });
  });

  it("take what people write without what is not to be seen, and blanks alone for nothing", async () => {
    const { id } = api.collector.open();
    const noted = await act(id, { action: "note", text: " one\u001b[2J\u0000\r\n\u202etwo\t3 " });
    expect(noted.statusCode).toBe(200);
    expect((await act(id, { action: "vendor", vendor: "Zebra\nLtd", ref: " RMA-1 " })).json()).toMatchObject({ id });
    const { events, work } = (await get(`/api/v1/incidents/${id}`)).json();
    expect(events.at(-2).text).toBe("one [2J \n two\t3");
    expect(work.vendor).toEqual({ vendor: "Zebra Ltd", ref: "RMA-1" });
    for (const action of [
      { action: "note", text: " \n\u202e " },
      { action: "assign", to: "  " },
      { action: "vendor", vendor: " ", ref: "1" },
      { action: "set_priority", priority: "P1", why: "\t" },
      { action: "escalate", why: " " },
    ]) {
      expect([action.action, (await act(id, action)).statusCode]).toEqual([action.action, 400]);
    }
  });

  it("take a pause that is claimed afterwards, within their time", async () => {
    const { id, openedAt } = api.collector.open();
    api.collector.clock.advance(3_600_000);
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
    const { id } = api.collector.open();
    expect((await act(id, { action: "correct_onset", onset: T0 - 5_000, why: "seen before" })).json()).toMatchObject({
      onset: T0 - 5_000,
    });
    expect((await act(id, { action: "correct_onset", onset: T0 + 99_000, why: "x" })).statusCode).toBe(422);
  });

  it("are listed when they are for review", async () => {
    const [cures] = [api.collector.open({ rule: "other" }), api.collector.open()];
    api.collector.write(cures, { type: "review_due", times: 4, withinMs: 1_000 });
    const ids = (await get("/api/v1/incidents?review=true")).json().items.map((one: { id: string }) => one.id);
    expect(ids).toEqual([cures.id]);
    expect((await act(cures.id, { action: "review" })).json()).toMatchObject({ review: null });
    expect((await get("/api/v1/incidents?review=true")).json().total).toBe(0);
  });

  describe("many at a time", () => {
    const many = (incidents: object[], action: object, headers = api.collector.browser("operator")) =>
      post("/api/v1/incidents/actions", { incidents, action }, headers);

    it("are each acted on by itself, and each has its own answer", async () => {
      const [a, b, c] = [api.collector.open(), api.collector.open({ rule: "b" }), api.collector.open({ rule: "c" })];
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
          { id: "INC-000099", ok: false, incident: null, error: { error: "no_incident" } },
          { id: c.id, ok: false, incident: { state: "in_progress" }, error: { error: "not_allowed" } },
        ],
      });
      expect(api.collector.state.incidentEvents(a.id).at(-1)).toMatchObject({ actor: "user:operator" });
      expect(api.collector.state.incident(b.id)?.version).toBe(1);
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
    const { id } = api.collector.open();
    const answer = await act(id, payload);
    expect([answer.statusCode, answer.json().error]).toEqual([status, error]);
    expect(api.collector.state.incident(id)?.version).toBe(1);
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
    const { id } = api.collector.open();
    const answer = await api.collector.app.inject({
      method: "POST",
      url: `/api/v1/incidents/${id}/actions`,
      payload: body,
      headers: { ...api.collector.browser("operator"), "content-type": type },
    });
    expect([answer.statusCode, answer.json().error]).toEqual([status, error]);
  });
});
