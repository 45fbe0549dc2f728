import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type HandOverInput, type HandOverSite, handOver } from "./handover.ts";
import { handOverText, warrantyText } from "./handover-text.ts";
import { append, foldIncident } from "./log.ts";
import { aNear, anInput, before, MINUTE, NO_PAST, T0 } from "./sample-past.ts";
import { triageOf } from "./triage.ts";
import type { Incident, IncidentEvent, IncidentEventBody } from "./types.ts";

const WEEK = { mon: [], tue: [], wed: [], thu: [], fri: [{ from: 480, to: 1_200 }], sat: [], sun: [] };
const berlin: HandOverSite = {
  ...{ id: "berlin-01", name: "Berlin Alexanderplatz", address: "Alexanderplatz 1, 10178 Berlin" },
  ...{ timeZone: "Europe/Berlin", hours: WEEK, closedDays: [] },
  contacts: [
    { name: "Kim Brandt", role: "manager", phone: "+49 30 5550100", email: null, hours: null },
    {
      ...{ name: "Lee Wolf", role: "facilities", phone: null, email: "lee@example.com" },
      hours: { timeZone: "Europe/Berlin", hours: { ...WEEK, fri: [] }, closedDays: [] },
    },
  ],
};

const opened: IncidentEventBody = {
  type: "opened",
  subject: { site: "berlin-01", device: "dock/printer", component: null },
  ...{ rule: "media-out", ruleVersion: "1", title: "Label media out", severity: "major", category: "consumable" },
  ...{ runbook: "label-printer/media-out", onset: T0, values: { media_out: true, head_temperature_celsius: 41.27 } },
  ...{ priority: "P2", why: "1 of 2 works", suppressedBy: null },
  asset: { vendor: "Zebra", model: "ZT411", serial: "S1", firmware: "V92.21" },
};

function lived(...bodies: readonly (IncidentEventBody | readonly [actor: string, IncidentEventBody])[]) {
  let incident: Incident | null = null;
  const log: IncidentEvent[] = [];
  for (const [n, one] of [opened, ...bodies].entries()) {
    const [actor, body] = Array.isArray(one) ? one : ["system", one];
    const at = T0 + n * MINUTE;
    const next: ReturnType<typeof append> = append("INC-000123", incident, [body as IncidentEventBody], {
      ...{ at, recordedAt: at, actor: actor as string },
    });
    incident = next.incident;
    log.push(...next.events);
  }
  return { incident: foldIncident("INC-000123", log), log };
}

const KIM = "user:kim";
const WORKED = lived(
  [KIM, { type: "acknowledged" }],
  [KIM, { type: "checked", item: "Have the station put in a new roll.", done: true }],
  [KIM, { type: "checked", item: "Press FEED once.", done: true }],
  [KIM, { type: "checked", item: "Press FEED once.", done: false }],
  { type: "note", text: "Tier 0, probe: it answers, and still says media out." },
  [KIM, { type: "note", text: "The roll is new;\nthe sensor does not see its gaps." }],
  [KIM, { type: "vendor_ref", vendor: "Label Service", ref: "RMA-17" }],
  [KIM, { type: "held", reason: "awaiting_part", text: "media sensor" }],
);

function input(given: Partial<HandOverInput> = {}): HandOverInput {
  const slot = [3, 9, 20, 33].map((days, n) =>
    before(n + 1, days, { code: "cleaned", slot: "berlin-01/dock/printer" }),
  );
  const past = { ...NO_PAST, slot, asset: slot, model: slot };
  const triage = triageOf(
    anInput({
      incident: WORKED.incident,
      past,
      near: [aNear("switch", -40, { title: "Port down" })],
      devicesAlike: 40,
    }),
  );
  return {
    ...{ ...WORKED, site: berlin, triage, nowMs: T0 + 95 * MINUTE },
    device: {
      ...{ name: "Label printer, dock", kind: "label_printer", labels: { zone: "dock" }, address: "10.0.4.17" },
    },
    hardware: {
      asset: { vendor: "Zebra", model: "ZT411", serial: "S1", firmware: "V92.21" },
      record: { serial: "S1", maker: null, tag: "IT-4711", purchased: null, warrantyUntil: "2026-12-01", vendor: null },
      vendor: {
        ...{ id: "labels", name: "Label Service GmbH", phone: "+49 30 5550200", email: "service@labels.example.com" },
        ...{ portal: "https://service.labels.example.com", contract: "LS-2026-0815", covers: [] },
      },
      warranty: { until: "2026-12-01", state: "ending", days: 11 },
      replacedBy: "S2",
    },
    steps: [
      { name: "Have the station put in a new roll.", text: "Have the station put in a new roll." },
      { name: "Press FEED once.", text: "Press FEED once." },
      {
        name: "Calibrate it.",
        text: "Calibrate it (hold PAUSE and CANCEL for two seconds on Zebra), then print one label and look whether it drifts.",
      },
    ],
    bring: ["A media sensor of the model", "A roll of each size that the site uses"],
    ...given,
  };
}

describe("a hand-over", () => {
  it("says on one page what a field engineer needs", () => {
    expect(handOverText(handOver(input()))).toMatchSnapshot();
  });

  it("of an incident of which little is known is short, and no line of it is empty talk", () => {
    const { incident, log } = lived();
    const bare = { ...incident, values: {}, subject: { site: "x", device: null, component: null } };
    const site = { ...berlin, id: "x", name: "x", address: undefined, contacts: [], hours: null, timeZone: "UTC" };
    const nothing = { asset: {}, record: null, vendor: null, warranty: null, replacedBy: null };
    const triage = triageOf(anInput({ incident: bare }));
    const page = input({ incident: bare, log, site, device: null, hardware: nothing, triage, steps: [], bring: [] });
    expect(handOverText(handOver(page))).toMatchSnapshot();
  });

  it("counts a step that was unticked as open, and one that was ticked again as done once", () => {
    const tick = (done: boolean): readonly [string, IncidentEventBody] => [
      KIM,
      { type: "checked", item: "Press FEED once.", done },
    ];
    const page = handOver(input(lived(tick(true), tick(false), tick(true))));
    expect(page.tried.map(({ text, by }) => [text, by])).toEqual([["Press FEED once.", "kim"]]);
    expect([page.stepsDone, page.stepsOpen.length]).toEqual([1, 2]);
    expect(handOver(input(lived(tick(true), tick(false)))).tried).toEqual([]);
  });

  it("names nobody but those to call at the site and who ticked a step", () => {
    const mo = "user:mo-the-note-taker";
    const page = input(
      lived(
        [mo, { type: "acknowledged" }],
        [mo, { type: "note", text: "Looked." }],
        [mo, { type: "held", reason: "awaiting_part", text: null }],
      ),
    );
    const text = handOverText(handOver(page));
    expect(text).toContain("Looked.");
    expect(text).not.toContain("mo-the-note-taker");
  });

  it.each([
    { name: "an open store", at: T0, hours: "open until 20:00" },
    { name: "a closed one, until next week", at: T0 + 12 * 60 * MINUTE, hours: "closed, opens fri 2026-11-27 08:00" },
    { name: "one that never closes", at: T0, site: { ...berlin, hours: null }, hours: "open around the clock" },
    {
      name: "one that never opens",
      at: T0,
      site: { ...berlin, hours: { ...WEEK, fri: [] } },
      hours: "closed all week",
    },
  ])("says the hours of $name", ({ at, site = berlin, hours }) => {
    expect(handOver(input({ nowMs: at, site })).where.hours).toBe(hours);
  });

  it("says since when it is over", () => {
    const { incident, log } = lived({ type: "recovered", values: {} });
    const page = handOver(input({ incident, log }));
    expect(page.sentence).toBe(
      "Label media out: Label printer, dock at Berlin Alexanderplatz. It began on 2026-11-20 10:00 and is over since 2026-11-20 10:01.",
    );
  });

  it("stays one page of 80 columns without control characters, whatever people and devices write", () => {
    const words = fc.string({
      unit: fc.constantFrom("a", " ", "ü", "🖨", "\n", "\u001b", "-", "x".repeat(30)),
      maxLength: 60,
    });
    const note = words.map((text): readonly [string, IncidentEventBody] => [KIM, { type: "note", text }]);
    const steps = fc.array(
      words.map((text) => ({ name: text, text })),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(
        fc.array(note, { maxLength: 30 }),
        words,
        words,
        steps,
        fc.array(words, { maxLength: 30 }),
        (notes, title, serial, list, bring) => {
          const { incident, log } = lived(...notes);
          const hardware = { ...input().hardware, asset: { vendor: serial, model: title, serial } };
          const page = handOver(input({ incident: { ...incident, title }, log, hardware, steps: list, bring }));
          const lines = handOverText(page).split("\n");
          expect(lines.length).toBeLessThanOrEqual(110);
          for (const line of lines) {
            expect([...line].length).toBeLessThanOrEqual(80);
            expect(line).not.toMatch(/\p{Cc}/u);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("a warranty in words", () => {
  it.each([
    { is: { until: "2026-12-01", state: "valid", days: 200 } as const, text: "until 2026-12-01" },
    { is: { until: "2026-12-01", state: "ending", days: 11 } as const, text: "ends in 11 days, 2026-12-01" },
    { is: { until: "2026-12-01", state: "ending", days: 1 } as const, text: "ends in 1 day, 2026-12-01" },
    { is: { until: "2026-12-01", state: "ending", days: 0 } as const, text: "ends today, 2026-12-01" },
    { is: { until: "2026-12-01", state: "over", days: -3 } as const, text: "OVER since 2026-12-01" },
  ])("$text", ({ is, text }) => expect(warrantyText(is)).toBe(text));
});
