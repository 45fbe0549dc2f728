import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AttemptRecord } from "../notify/record.ts";
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
    expect((await get("/channels")).json()).toMatchObject([{ name: "tickets", kind: "webhook", waiting: 0 }]);
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
    expect((await get("/log")).json()).toEqual([other, attempt]);
    expect((await get("/log?incident=INC-000001")).json()).toEqual([attempt]);
    expect((await get("/log?channel=tickets&limit=1")).json()).toEqual([other]);
    expect((await get("/log?channel=tickets&incident=INC-000001")).statusCode).toBe(422);
    expect((await get("/log?limit=501")).statusCode).toBe(400);
  });

  it("are tested by administrators, and that is audited", async () => {
    expect((await test("tickets", "operator")).statusCode).toBe(403);
    expect((await test("none", "admin")).json().error).toBe("no_channel");
    const tried = (await test("tickets", "admin")).json();
    expect(tried).toMatchObject({ channel: "tickets", outcome: "delivered", incident: "" });
    expect(collector.state.auditLog(1)).toMatchObject([{ action: "channel_tested", detail: "tickets: delivered" }]);
  });
});
