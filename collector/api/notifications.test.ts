import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AttemptRecord } from "../notify/record.ts";
import { aNotification } from "../store/state/contract-data.ts";
import { type SampleCollector, sampleCollector, T0 } from "./sample-collector.ts";

let collector: SampleCollector;
beforeEach(async () => {
  collector = await sampleCollector();
});
afterEach(() => collector.close());

const URL = "/api/v1/notifications";
const get = (path: string) =>
  collector.app.inject({ method: "GET", url: `${URL}${path}`, headers: collector.browser("viewer") });
const test = (channel: string, role: "operator" | "admin") =>
  collector.app.inject({
    method: "POST",
    url: `${URL}/channels/${channel}/test`,
    headers: collector.browser(role),
  });

describe("notifications", () => {
  it("show their channels to whoever is signed in", async () => {
    expect((await get("/channels")).json()).toMatchObject([
      { name: "tickets", kind: "webhook", waiting: 0, oldestAt: null, isLimited: false },
      { name: "noc-mail", kind: "email", target: "noc@example.com by mail.example.com:587" },
    ]);
    const { statusCode } = await collector.app.inject({ method: "GET", url: `${URL}/channels` });
    expect(statusCode).toBe(401);
  });

  it("have a log of an incident, or of a channel", async () => {
    const attempt: AttemptRecord = {
      ...{ notification: "INC-000001/1", channel: "tickets", incident: "INC-000001", at: T0, durationMs: 12 },
      ...{ outcome: "retry", status: 503, detail: "HTTP 503" },
    };
    const other = { ...attempt, incident: "INC-000002", notification: "INC-000002/1" };
    collector.state.commit({ attempts: [attempt, other] });
    expect((await get("/log")).json()).toEqual({ items: [other, attempt], next: null });
    expect((await get("/log?incident=INC-000001")).json().items).toEqual([attempt]);
    expect((await get("/log?channel=tickets&outcome=delivered")).json().items).toEqual([]);
    const { items, next } = (await get("/log?channel=tickets&limit=1")).json();
    expect(items).toEqual([other]);
    expect((await get(`/log?channel=tickets&limit=1&before=${next}`)).json()).toEqual({ items: [attempt], next: null });
    expect((await get("/log?limit=501")).statusCode).toBe(400);
    expect((await get("/log?outcome=lost")).statusCode).toBe(400);
  });

  it("say of an incident who was told, or why nobody was", async () => {
    const incident = collector.open();
    const ask = (id: string) =>
      collector.app.inject({
        ...{ method: "GET", url: `/api/v1/incidents/${id}/notifications`, headers: collector.browser("viewer") },
      });
    expect((await ask(incident.id)).json()).toEqual({
      told: [],
      untold: ["No route of notifications.yaml fits it.", "The route to tickets is for priority P2 or P3, not P1."],
    });
    const record = aNotification(`${incident.id}/1`, "tickets", {
      incident: incident.id,
      state: "delivered",
      doneAt: T0,
    });
    collector.state.commit({ notifications: [record] });
    expect((await ask(incident.id)).json()).toMatchObject({
      told: [{ channel: "tickets", target: "tickets.example.com", event: "opened", state: "delivered", doneAt: T0 }],
      untold: [],
    });
    expect((await ask("INC-999999")).statusCode).toBe(404);
  });

  it("show what would be sent, also in words that somebody tries out", async () => {
    const preview = (body: object) =>
      collector.app.inject({
        ...{ method: "POST", url: `${URL}/preview`, headers: collector.browser("operator") },
        payload: body,
      });
    expect((await preview({ channel: "noc-mail" })).json()).toMatchObject({
      kind: "email",
      subject: expect.any(String),
    });
    const incident = collector.open();
    const drafted = { channel: "noc-mail", incident: incident.id, subject: "{{incident.id}}", event: "recovered" };
    expect((await preview(drafted)).json()).toMatchObject({ subject: incident.id });
    const wrong = await preview({ channel: "noc-mail", body: "a\n{{incident.titel}}" });
    expect([wrong.statusCode, wrong.json().message]).toEqual([
      422,
      "body, line 2: expected a name that is known here; received {{incident.titel}}; did you mean {{incident.title}}?",
    ]);
    expect((await preview({ channel: "pager" })).json().error).toBe("no_channel");
    expect((await preview({ channel: "noc-mail", incident: "INC-999999" })).json().error).toBe("no_incident");
  });

  it("are tested by administrators, and that is audited", async () => {
    expect((await test("tickets", "operator")).statusCode).toBe(403);
    expect((await test("none", "admin")).json().error).toBe("no_channel");
    const tried = (await test("tickets", "admin")).json();
    expect(tried).toMatchObject({ channel: "tickets", outcome: "delivered", incident: "" });
    expect(collector.state.auditLog(1)).toMatchObject([{ action: "channel_tested", detail: "tickets: delivered" }]);
  });
});
