import { describe, expect, it } from "vitest";
import { sampleClient } from "../sample-client.ts";
import { T0 } from "../sample-collector.ts";

const api = sampleClient();
const { get, post } = api;

describe("maintenance", () => {
  const URL = "/api/v1/maintenance";
  const hour = { reason: "new switches", where: { site: ["berlin-01"] }, from: T0, to: T0 + 3_600_000 };
  const nightly = { reason: "updates", where: {}, weekly: { days: ["mon", "sun"], from: "03:00", to: "04:00" } };

  it("is planned by who may act, ended early, and audited", async () => {
    const as = api.collector.browser("operator");
    expect((await post(URL, hour, api.collector.browser("viewer"))).statusCode).toBe(403);
    const added = await post(URL, hour, as);
    expect([added.statusCode, added.json()]).toMatchObject([
      201,
      { state: "running", by: "user:operator", to: hour.to },
    ]);
    api.collector.clock.advance(60_000);
    const ended = await post(`${URL}/${added.json().id}/end`, {}, as);
    expect([ended.statusCode, ended.json().to]).toEqual([200, T0 + 60_000]);
    expect((await get(URL)).json()).toHaveLength(1);
    expect(api.collector.state.auditLog(10).map(({ action }) => action)).toEqual(
      expect.arrayContaining(["maintenance_added", "maintenance_ended"]),
    );
    expect((await post(`${URL}/m-none/end`, {}, as)).statusCode).toBe(404);
  });

  it("may come back every week", async () => {
    const { weekly, state, from } = (await post(URL, nightly, api.collector.browser("operator"))).json();
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
    const as = api.collector.browser("operator");
    const { id } = (await post(URL, hour, as)).json();
    const put = (path: string, body: object, headers = as) =>
      api.collector.app.inject({ method: "PUT", url: `${URL}/${path}`, payload: body, headers });
    expect((await put(id, nightly, api.collector.browser("viewer"))).statusCode).toBe(403);
    const changed = await put(id, nightly);
    expect([changed.statusCode, changed.json()]).toMatchObject([200, { id, reason: "updates", from: null }]);
    expect((await put(id, { ...hour, to: T0 - 1 })).statusCode).toBe(422);
    expect((await put("m-none", nightly)).statusCode).toBe(404);
    expect((await get(URL)).json()).toMatchObject([{ id, weekly: [{ day: "mon" }, { day: "sun" }] }]);
    expect(api.collector.state.auditLog(10).map(({ action }) => action)).toContain("maintenance_changed");
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
    expect((await post(URL, body, api.collector.browser("operator"))).statusCode).toBe(status);
  });
});
