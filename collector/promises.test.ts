/** What was promised, over the whole collector: readings in, the log on disk, restarts in between. */
import { afterEach, describe, expect, it } from "vitest";
import type { EscalationPolicy } from "./incidents/escalation-policy.ts";
import { DEFAULT_SLA_POLICY } from "./incidents/sla-policy.ts";
import { batchOf, configOf, printer, reading, type SampleSite, sampleSite, statusOf, T0 } from "./sample-site.ts";

const MINUTE = 60_000;
const SLOW = printer("printer", { intervalMs: 3_600_000 });
const CHAIN: EscalationPolicy = {
  chains: [
    {
      name: "stores",
      where: {},
      storm: { moreThan: 20, withinMs: 10 * MINUTE },
      steps: [
        {
          ...{ calendar: "always", tier: 2, tell: ["field-support"], run: null, repeat: null },
          trigger: { is: "unresolved", afterMs: 30 * MINUTE },
        },
      ],
    },
  ],
};

let site: SampleSite;
let seq = 0;
afterEach(() => site.end());

async function read(isOut: boolean): Promise<void> {
  const at = site.clock.now();
  const message = batchOf(++seq, [reading("printer", at, { up: true, media_out: isOut })], { sentAt: at });
  site.send("telemetry", message);
  await site.pass(250);
}

async function start(): Promise<void> {
  site = await sampleSite();
  seq = 0;
  site.judge.setConfig({ ...configOf(), escalation: CHAIN });
  site.send("status", statusOf());
  site.inventory([SLOW]);
  await site.pass(250);
  await read(true);
}

/** Minute by minute, with a commit after each. */
async function minutes(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    site.clock.advance(MINUTE);
    site.judge.tick();
    await site.pass(250);
  }
}

const log = (id = "INC-000001") =>
  site.state
    .incidentEvents(id)
    .slice(1)
    .map(({ type, at }) => `${Math.floor((at - T0) / MINUTE)} ${type}`);
const detail = (id = "INC-000001") => {
  const incident = site.state.incident(id);
  if (incident === null) throw new Error(`no ${id}`);
  return site.judge.live.duties.standing(incident, site.state.incidentEvents(id));
};

describe("an incident of a site", () => {
  it("is warned of, breached and escalated once each, though the collector is killed in between", async () => {
    await start();
    // One printer of one at a site that is always open: P1, five minutes to respond.
    expect(site.state.incident("INC-000001")?.priority).toBe("P1");
    for (let n = 0; n < 10; n++) {
      await minutes(7);
      await site.restart();
      site.judge.setConfig({ ...configOf(), escalation: CHAIN });
      // Behind an agent that does not come back, clocks would stand still.
      site.send("status", statusOf());
    }
    const written = log().filter((line) => /sla|escalated/.test(line));
    expect(written.map((line) => line.split(" ")[1]).sort()).toEqual([
      "escalated",
      "sla_breached",
      "sla_breached",
      "sla_warned",
      "sla_warned",
      "sla_warned",
    ]);
    expect(site.state.incident("INC-000001")).toMatchObject({ tier: 2, sla: { restore: { warnedPercent: 90 } } });
  });

  it("is restored when its fault recovers, and tells how long it took", async () => {
    await start();
    await minutes(20);
    await read(false);
    await minutes(1);
    const restore = detail().clocks.find(({ clock }) => clock === "restore");
    expect(restore).toMatchObject({ state: "met", breachedAt: null });
    expect(Math.round((restore?.elapsedMs ?? 0) / MINUTE)).toBe(20);
    await minutes(60);
    expect(log().filter((line) => line.includes("restore") || line.includes("escalated"))).toEqual([]);
  });

  it("goes by other terms as soon as they are there, also for what has passed", async () => {
    await start();
    await minutes(6);
    expect(detail().clocks[0]).toMatchObject({ clock: "response", state: "breached" });
    const { standard } = DEFAULT_SLA_POLICY;
    const targets = { ...standard.targets, P1: standard.targets.P3 };
    site.judge.setConfig({ ...configOf(), sla: { standard: { ...standard, targets }, contracts: new Map() } });
    expect(detail().clocks[0]).toMatchObject({ clock: "response", state: "running", breachedAt: null });
    // The breach that was written is not written again.
    await minutes(70);
    expect(log().filter((line) => line.endsWith("sla_breached"))).toHaveLength(1);
  });

  it("is escalated by a person, and the next step by time is not that one again", async () => {
    await start();
    const done = site.judge.act("INC-000001", { action: "escalate", why: "The till is sealed." }, "user:ann");
    expect(done).toMatchObject({ ok: true, value: { tier: 2 } });
    await minutes(45);
    expect(log().filter((line) => line.endsWith("escalated"))).toEqual(["0 escalated"]);
  });
});
