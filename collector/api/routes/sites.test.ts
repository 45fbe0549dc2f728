import { describe, expect, it } from "vitest";
import { sampleClient } from "../sample-client.ts";
import { T0 } from "../sample-collector.ts";

const api = sampleClient();
const { get } = api;

describe("what is watched", () => {
  it("is summed up in figures", async () => {
    api.collector.open();
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
    api.collector.clock.advance(12 * 3_600_000 - 1);
    expect((await get("/api/v1/sites")).json()).toMatchObject([{ open: false }]);
  });

  it("is shown device by device", async () => {
    const { id } = api.collector.open();
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
    api.collector.state.commit({
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
    expect(api.collector.asked).toEqual([
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
    expect(api.collector.failures).toMatchObject([
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
