/**
 * From what a host, its print queue, its UPS and its targets said to the fault that opens an incident: raw replies through
 * the drivers' own reading of them and the shipped rules. No other rule may fire. Faults that evidence-to-incident.test.ts
 * follows all the way are not repeated here.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Result } from "@aislewatch/base";
import { describe, expect, it } from "vitest";
import type { Parsed, ParseError } from "../agent/drivers/driver.ts";
import { parse as parseHost } from "../agent/drivers/host/parse.ts";
import { parseSmart } from "../agent/drivers/host/smart.ts";
import type { Drive, Health, HostReply } from "../agent/drivers/host/types.ts";
import { parse as parseIpp } from "../agent/drivers/ipp/parse.ts";
import { parse as parseNut } from "../agent/drivers/nut/parse.ts";
import { parse as parseReach } from "../agent/drivers/reach/parse.ts";
import type { Tried } from "../agent/drivers/reach/types.ts";
import { firing, type Said } from "./firing.ts";

const said = (kind: string, parsed: Result<Parsed, ParseError>): Said => ({
  kind,
  samples: parsed.ok ? parsed.value.samples : [],
});

const RECORDED = join(import.meta.dirname, "../agent/drivers/host/testdata/debian-pos/reply.json");
const TILL = JSON.parse(readFileSync(RECORDED, "utf8")) as HostReply;
const NOTHING: Health = {
  mounts: null,
  memoryPressure: { somePercent: 0, fullPercent: 0 },
  outOfMemoryKills: 0,
  timeOffsetSeconds: 0.002,
  shutdownWasOrderly: true,
  userCount: 1,
  rebootRequired: false,
  throttledCount: 0,
  links: null,
  radios: null,
  unitsFailed: 0,
  units: [{ name: "pos.service", isActive: true, restarts: 0 }],
};
const WELL: HostReply = { ...TILL, disks: TILL.disks?.slice(0, 1) ?? [], clockSynchronized: true, health: NOTHING };
const host = (reply: Partial<HostReply>): Said => said("pos_terminal", parseHost({ ...WELL, ...reply }));
const health = (some: Partial<Health>): Said => host({ health: { ...NOTHING, ...some } });

function drives(told: object): readonly Drive[] {
  const answer = parseSmart(JSON.stringify(told), "sda");
  return answer.kind === "drive" ? [answer.drive] : [];
}
const ata = (id: number, raw: number) => ({ id, value: 100, when_failed: "", raw: { value: raw } });
const disk = (passed: boolean, pending: number) => ({
  smart_status: { passed },
  ata_smart_attributes: { table: [ata(5, 4), ata(197, pending)] },
});

describe("a till", () => {
  it.each<{ name: string; well?: Said; faulty: Said; want: string[] }>([
    { name: "that is well", faulty: host({}), want: [] },
    {
      name: "whose disk can't read some sectors",
      well: host({ drives: drives(disk(true, 0)) }),
      faulty: host({ drives: drives(disk(true, 8)) }),
      want: ["disk-failing#disk-sda"],
    },
    {
      name: "that stands still for want of memory",
      faulty: health({ memoryPressure: { somePercent: 60, fullPercent: 45 } }),
      want: ["memory-starved"],
    },
    {
      name: "on its battery, which is nearly empty",
      well: host({ battery: { chargePercent: 80, isOnMains: true, cycles: null, healthPercent: null } }),
      faulty: host({ battery: { chargePercent: 6, isOnMains: false, cycles: null, healthPercent: null } }),
      want: ["host-battery-low"],
    },
  ])("$name", ({ well = host({}), faulty, want }) => expect(firing(well, faulty, 60_000)).toEqual(want));
});

describe("its print queue", () => {
  const queue = (reasons: readonly string[], state: number, waitedSeconds: number | null): Said => {
    const jobs = waitedSeconds === null ? [] : [{ state: 3, createdSeconds: 5_000 - waitedSeconds, upSeconds: 5_000 }];
    const printer = {
      "printer-state": [state],
      "printer-state-reasons": reasons,
      "printer-is-accepting-jobs": [true],
      "queued-job-count": [jobs.length],
    };
    return said("receipt_printer", parseIpp({ printer, jobs }));
  };
  it.each([
    { name: "is well", faulty: queue(["none"], 4, 3), want: [] },
    { name: "is out of paper", faulty: queue(["media-empty-error"], 3, null), want: ["receipt-paper-out"] },
  ])("$name", ({ faulty, want }) => expect(firing(queue(["none"], 3, null), faulty)).toEqual(want));
});

describe("its UPS behind NUT", () => {
  const ups = (status: string, runtime: number): Said =>
    said(
      "ups",
      parseNut({
        variables: `BEGIN LIST VAR ups\nVAR ups ups.status "${status}"\nVAR ups battery.runtime "${runtime}"\nVAR ups battery.charge "60"\nVAR ups ups.load "20"\nEND LIST VAR ups\n`,
      }),
    );
  it.each([
    { status: "OL CHRG TRIM", want: [] },
    { status: "OB LB", want: ["ups-battery-low", "ups-on-battery"] },
    { status: "OL LB CHRG", want: ["ups-battery-low"] },
    { status: "ALARM OL CHRG RB", want: ["ups-battery-replace"] },
    { status: "OL OVER", want: ["ups-overload"] },
    { status: "OL CHRG OFF", want: ["ups-output-off"] },
    { status: "BYPASS OL", want: ["ups-on-bypass"] },
  ])("$status", ({ status, want }) => expect(firing(ups("OL", 1_200), ups(status, 1_200))).toEqual(want));
});

describe("what it reaches", () => {
  const target = (some: Partial<Tried>): Said =>
    said(
      "host",
      parseReach({
        targets: [{ name: "pos", how: "tls", isReached: true, answerMs: 40, certificate: null, detail: null, ...some }],
      }),
    );
  const endsIn = (days: number) => ({ expiresAtMs: 0, leftMs: days * 86_400_000, isTrusted: true });
  it.each([
    { name: "answers", faulty: target({ certificate: endsIn(60) }), want: [] },
    {
      name: "has a certificate that has ended",
      faulty: target({ certificate: endsIn(-1) }),
      want: ["certificate-ending#target-pos"],
    },
  ])("$name", ({ faulty, want }) => expect(firing(target({}), faulty, 120_000)).toEqual(want));
});
