import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { z } from "zod";
import { someFacts } from "../store/state/contract-data.ts";
import { type SampleCollector, sampleCollector, T0 } from "./sample-collector.ts";
import type * as shapes from "./schema/triage.ts";

type Triage = z.infer<typeof shapes.triage>;
type HandOver = z.infer<typeof shapes.handOver>;
const DAY = 86_400_000;

let sample: SampleCollector;
beforeEach(async () => {
  sample = await sampleCollector();
});
afterEach(() => sample.close());

async function get<T>(
  path: string,
  role: "viewer" | null = "viewer",
): Promise<{ status: number; body: T; type: string }> {
  const headers = role === null ? {} : sample.program(role);
  const answer = await sample.app.inject({ method: "GET", url: `/api/v1${path}`, headers });
  const type = String(answer.headers["content-type"]);
  return { status: answer.statusCode, type, body: type.startsWith("text") ? (answer.body as T) : answer.json<T>() };
}

/** `count` earlier ones on the printer, resolved as `code`, each with its log. */
function earlier(count: number, code: "cleaned" | "swapped", daysApart = 1): void {
  for (let n = 1; n <= count; n++) {
    const at = T0 - n * daysApart * DAY;
    const { id } = sample.write(
      sample.open({ at }),
      { type: "acknowledged" },
      { type: "resolved", code, text: null },
      { type: "closed" },
    );
    sample.state.commit({
      facts: [
        someFacts(id, {
          ...{ openedAt: at, doneAt: at + 1_800_000, code, outcome: "resolved", isByPeople: true, rule: "media-out" },
          ...{ site: "berlin-01", slot: "berlin-01/receiving/label-printer", model: "ZT411", serial: "S1" },
        }),
      ],
    });
  }
}

describe("GET /incidents/{id}/triage", () => {
  it("says what kind of trouble it is, why, and what helped before", async () => {
    earlier(4, "cleaned", 10);
    const { id } = sample.open();
    const { status, body } = await get<Triage>(`/incidents/${id}/triage`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ incident: id, category: "consumable", classification: { is: "consumable" }, bring: [] },
      causes: [{ is: "consumable", strength: "strong" }, { is: "mechanical" }],
      hardware: {
        ...{ vendor: "Zebra", model: "ZT411", serial: "S1", firmware: null, tag: "IT-4711", purchased: "2024-01-10" },
        ...{ warranty: { until: "2026-12-01", state: "ending", days: 11 }, replacedBy: null },
        service: { name: "Label Service", phone: "+49 30 5550200", contract: "LS-1" },
      },
      recurrence: [
        { of: "slot", times: [0, 3, 4] },
        { of: "asset", times: [0, 3, 4] },
        { of: "model", times: [0, 3, 4] },
        { of: "site", times: [0, 3, 4] },
      ],
      usual: null,
    });
    expect(body.resolved[0]).toMatchObject({ on: "slot", code: "cleaned", n: 4, of: 4 });
    expect(body.resolved[0]?.text).toBe("4 of 4 like it on this slot were resolved as cleaned.");
    expect(body.similar).toHaveLength(4);
    expect(body.similar[0]).toMatchObject({
      ...{
        by: "slot",
        title: "Label media out",
        siteName: "Berlin Alexanderplatz",
        resolvedBy: null,
        tookMs: 1_800_000,
      },
    });
  });

  it("says who solved those before, by their logs", async () => {
    const { id } = sample.open({ at: T0 - DAY });
    const headers = { ...sample.program("operator"), "content-type": "application/json" };
    const payload = { action: "resolve", code: "cleaned", text: "Dust." };
    const done = await sample.app.inject({ method: "POST", url: `/api/v1/incidents/${id}/actions`, headers, payload });
    expect(done.statusCode).toBe(200);
    const fact = {
      openedAt: T0 - DAY,
      code: "cleaned",
      outcome: "resolved",
      isByPeople: true,
      rule: "media-out",
    } as const;
    sample.state.commit({
      facts: [someFacts(id, { ...fact, site: "berlin-01", slot: "berlin-01/receiving/label-printer" })],
    });
    const { body } = await get<Triage>(`/incidents/${sample.open().id}/triage`);
    expect(body.similar.map(({ resolvedBy }) => resolvedBy)).toEqual([expect.stringMatching(/^token:operator/)]);
  });

  it("names the switch that failed before it, and what it told", async () => {
    const cause = sample.open({ device: "switch-1", rule: "port-down", at: T0 - 30_000 });
    sample.state.commit({
      facts: [
        someFacts(cause.id, {
          openedAt: T0 - 30_000,
          site: "berlin-01",
          slot: "berlin-01/switch-1",
          rule: "port-down",
        }),
      ],
      deviceEvents: [
        {
          site: "berlin-01",
          device: "switch-1",
          component: null,
          at: T0 - 20_000,
          code: "rebooted",
          detail: "up 4 s",
          recordedAt: T0,
        },
        {
          site: "berlin-01",
          device: "elsewhere",
          component: null,
          at: T0,
          code: "rebooted",
          detail: "",
          recordedAt: T0,
        },
      ],
    });
    const { id } = sample.open();
    const { body } = await get<Triage>(`/incidents/${id}/triage`);
    const evidence = body.causes.find(({ is }) => is === "upstream")?.evidence.map(({ text }) => text);
    expect(evidence).toEqual([`switch-1, which it hangs on, told "device restarted" (20 s before): up 4 s.`]);
  });

  it("is about the hardware that failed, though another is in the slot now", async () => {
    const asset = { vendor: "Zebra", model: "ZT410", serial: "OLD" };
    const { id } = sample.open({ asset });
    const { body } = await get<Triage>(`/incidents/${id}/triage`);
    expect(body.hardware).toMatchObject({ ...asset, warranty: null, replacedBy: "S1" });
  });

  it("of what is not there is 404, and without a sign-in 401", async () => {
    const { id } = sample.open();
    expect((await get("/incidents/INC-9/triage")).status).toBe(404);
    expect((await get("/incidents/INC-9/handover")).status).toBe(404);
    expect((await get(`/incidents/${id}/triage`, null)).status).toBe(401);
    expect((await get(`/incidents/${id}/handover`, null)).status).toBe(401);
  });
});

describe("GET /incidents/{id}/handover", () => {
  it("is one page as JSON, with the chart around the onset and the text", async () => {
    const incident = sample.open();
    sample.write(
      incident,
      { type: "checked", item: "Look.", done: true },
      { type: "vendor_ref", vendor: "Labels", ref: "R-1" },
    );
    const { body } = await get<HandOver>(`/incidents/${incident.id}/handover`);
    expect(body).toMatchObject({
      ...{ id: incident.id, stepsOpen: [], stepsDone: 1, stepsMore: 0, vendorRef: { vendor: "Labels", ref: "R-1" } },
      where: {
        ...{ site: "berlin-01", siteName: "Berlin Alexanderplatz", isOpen: true, hours: "open until 20:00" },
        ...{ device: "receiving/label-printer", deviceName: "Label printer, receiving", labels: ["zone receiving"] },
        contacts: [
          { name: "Kim Brandt", reachable: true },
          { name: "Lee Wolf", reachable: false },
        ],
      },
      tried: [
        { is: "step", text: "Look.", by: "Aislewatch" },
        { is: "vendor", text: "At Labels it is R-1." },
      ],
      chart: { metric: "head_temperature_celsius", unit: "°C", threshold: 60, isBoolean: false },
    });
    expect(body.chart?.points).toHaveLength(1);
    expect(body.text).toMatch(/^HAND-OVER INC-000001/);
  });

  it("is plain text when asked for it", async () => {
    const { id } = sample.open();
    const { type, body } = await get<string>(`/incidents/${id}/handover?format=text`);
    expect(type).toBe("text/plain; charset=utf-8");
    expect(body).toContain("Berlin Alexanderplatz (berlin-01)");
    expect(Math.max(...body.split("\n").map((line) => [...line].length))).toBeLessThanOrEqual(80);
  });

  it("goes without its chart when that can't be read", async () => {
    const [rule] = sample.live.rules().rules;
    if (rule === undefined) throw new Error("no rule");
    Object.assign(rule, { chart: { metric: "broken", threshold: null } });
    try {
      const { status, body } = await get<HandOver>(`/incidents/${sample.open().id}/handover`);
      expect([status, body.chart]).toEqual([200, null]);
    } finally {
      Object.assign(rule, { chart: { metric: "head_temperature_celsius", threshold: 60 } });
    }
  });

  it("takes no other format", async () => {
    expect((await get(`/incidents/${sample.open().id}/handover?format=pdf`)).status).toBe(400);
  });
});
