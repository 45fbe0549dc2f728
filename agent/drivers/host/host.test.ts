import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { LIMITS } from "@aislewatch/contract";
import { findMetric } from "@aislewatch/devices";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import host from "./index.ts";
import { METRICS, PROCESS_METRICS, parse, UNIT_METRICS } from "./parse.ts";
import type { HostReply } from "./types.ts";

const CASES = new URL("testdata/", import.meta.url);
const json = (path: string): unknown => JSON.parse(readFileSync(new URL(path, CASES), "utf8"));

describe("parse", () => {
  it.each(readdirSync(CASES))("reads %s", (name) => {
    const parsed = parse(json(`${name}/reply.json`) as HostReply);
    expect(parsed).toEqual({ ok: true, value: json(`${name}/expected.json`) });
  });

  it("announces only metrics of the catalogue", () => {
    expect([...METRICS, ...PROCESS_METRICS, ...UNIT_METRICS].filter((name) => findMetric(name) === undefined)).toEqual(
      [],
    );
  });

  it("never throws and reports finite numbers only, whatever the system says", () => {
    const number = fc.oneof(fc.double(), fc.integer());
    const reply: fc.Arbitrary<HostReply> = fc.record({
      cpuUsedPercent: fc.option(number),
      load: fc.option(fc.record({ oneMinute: number, fiveMinutes: number })),
      memory: fc.option(
        fc.record({ totalBytes: number, availableBytes: number, swapTotalBytes: number, swapUsedBytes: number }),
      ),
      uptimeSeconds: number,
      disks: fc.option(
        fc.array(
          fc.record({
            mount: fc.string(),
            type: fc.constantFrom("ext4", "tmpfs"),
            sizeBytes: number,
            usedBytes: number,
            availableBytes: number,
            inodes: fc.option(number),
            inodesFree: fc.option(number),
          }),
        ),
      ),
      ports: fc.constant([
        {
          name: "eth0",
          state: "up",
          receivedBytes: 1,
          sentBytes: 1,
          receiveErrors: 0,
          sendErrors: 0,
          receiveDiscards: 0,
          sendDiscards: 0,
          linkLosses: 0,
        },
      ]),
      cpuTemperatureCelsius: fc.option(number),
      processCount: fc.option(number),
      processes: fc.constant(null),
      clockSynchronized: fc.option(fc.boolean()),
      identity: fc.constant(null),
      battery: fc.option(
        fc.record({
          chargePercent: number,
          isOnMains: fc.boolean(),
          cycles: fc.option(number),
          healthPercent: fc.option(number),
        }),
      ),
      health: fc.option(
        fc.record({
          mounts: fc.constant([
            { mount: "/", readOnly: true, meantReadOnly: false, wasWritable: true, errors: Number.NaN },
          ]),
          memoryPressure: fc.option(fc.record({ somePercent: number, fullPercent: number })),
          outOfMemoryKills: fc.option(number),
          timeOffsetSeconds: fc.option(number),
          shutdownWasOrderly: fc.option(fc.boolean()),
          userCount: fc.option(number),
          rebootRequired: fc.option(fc.boolean()),
          throttledCount: fc.option(number),
          links: fc.constant(null),
          radios: fc.option(fc.array(fc.record({ name: fc.constant("eth0"), signalDbm: number }))),
          unitsFailed: fc.option(number),
          units: fc.option(
            fc.array(fc.record({ name: fc.string(), isActive: fc.boolean(), restarts: fc.option(number) })),
          ),
        }),
      ),
      drives: fc.constant(null),
      leases: fc.option(
        fc.array(fc.record({ name: fc.constant("eth0"), leftSeconds: number, lifetimeSeconds: fc.option(number) })),
      ),
    });
    fc.assert(
      fc.property(reply, (some) => {
        const parsed = parse(some);
        const values = parsed.ok ? parsed.value.samples.flatMap(({ metrics }) => Object.values(metrics)) : [];
        expect(values.every((value) => typeof value === "boolean" || Number.isFinite(value))).toBe(true);
      }),
    );
  });
});

describe("a file system that is read-only", () => {
  const disk = { type: "ext4", sizeBytes: 10, usedBytes: 1, availableBytes: 9, inodes: null, inodesFree: null };
  it.each([
    { name: "and is meant to be", readOnly: true, meantReadOnly: true, wasWritable: false, want: false },
    {
      name: "and is meant to be, though it was written to for an update",
      readOnly: true,
      meantReadOnly: true,
      wasWritable: true,
      want: false,
    },
    { name: "and is not meant to be", readOnly: true, meantReadOnly: false, wasWritable: false, want: true },
    { name: "and was writable before", readOnly: true, meantReadOnly: null, wasWritable: true, want: true },
    { name: "and nobody knows better", readOnly: true, meantReadOnly: null, wasWritable: false, want: false },
    { name: "no longer", readOnly: false, meantReadOnly: null, wasWritable: true, want: false },
  ])("$name", ({ want, name: _, ...mount }) => {
    const reply = json("debian-pos/reply.json") as HostReply;
    const health = {
      mounts: [{ mount: "/", errors: 2, ...mount }],
      memoryPressure: null,
      outOfMemoryKills: null,
      timeOffsetSeconds: null,
      shutdownWasOrderly: null,
      userCount: null,
      rebootRequired: null,
      throttledCount: null,
      links: null,
      radios: null,
      unitsFailed: null,
      units: null,
    };
    const parsed = parse({ ...reply, disks: [{ mount: "/", ...disk }], health });
    const samples = parsed.ok ? parsed.value.samples : [];
    expect(samples.find(({ component }) => component === "disk-root")?.metrics).toMatchObject({
      file_system_read_only: want,
      file_system_errors_total: 2,
    });
  });
});

describe("names of components", () => {
  it("are told apart when two come out equal, and are none but their prefix when nothing of them is left", () => {
    const reply = json("debian-pos/reply.json") as HostReply;
    const disk = { type: "ext4", sizeBytes: 10, usedBytes: 1, availableBytes: 9, inodes: null, inodesFree: null };
    const mounts = ["/", "/root", "/mnt/a-b", "/mnt/a/b", "/数据"];
    const parsed = parse({ ...reply, disks: mounts.map((mount) => ({ ...disk, mount })), drives: null });
    const disks = parsed.ok ? parsed.value.samples.flatMap(({ component }) => component ?? []) : [];
    expect(disks.filter((name) => name.startsWith("disk"))).toEqual([
      "disk-root",
      "disk-root-2",
      "disk-mnt-a-b",
      "disk-mnt-a-b-2",
      "disk",
    ]);
  });

  it.each([
    { name: "two processes of one name", config: { processes: ["pos", "pos"].map((name) => ({ name, match: "x" })) } },
    { name: "a unit by both of its names", config: { units: ["pos", "pos.service"] } },
    { name: "units that come out as one component", config: { units: ["pos_sync.service", "pos-sync.service"] } },
    { name: "a template, of which systemctl tells nothing", config: { units: ["pos.service", "till@.service"] } },
    { name: "a template by its short name", config: { units: ["till@"] } },
  ])("in the configuration: $name is refused", ({ config }) => {
    expect(host.config.safeParse(config).success).toBe(false);
  });

  it("in the configuration: instances of a template are units like others", () => {
    expect(host.config.safeParse({ units: ["till@1.service", "till@2.service", "pos"] }).success).toBe(true);
  });
});

describe("host", () => {
  it("watches this very machine", async () => {
    const me = process.argv0.split("/").at(-1) ?? "node";
    const config = host.config.parse({
      processes: [
        { name: "this-test", match: me },
        { name: "nobody", match: "no such process" },
      ],
    });
    const poller = host.open({ id: "here", kind: "host", config, secret: () => "" });
    const reply = await poller.poll({ signal: AbortSignal.timeout(15_000), timeoutMs: 15_000, nowMs: Date.now() });
    const parsed = reply.ok ? poller.parse(JSON.parse(JSON.stringify(reply.value))) : reply;
    expect(parsed).toMatchObject({ ok: true });
    const samples = parsed.ok ? parsed.value.samples : [];
    const own = samples.find(({ component }) => component === null)?.metrics ?? {};
    expect(own["cpu_used_percent"]).toBeLessThanOrEqual(100);
    expect(own["memory_total_bytes"]).toBeGreaterThan(1e6);
    expect(own["uptime_seconds"]).toBeGreaterThan(0);
    const find = (component: string) => samples.find((set) => set.component === component)?.metrics;
    expect(find("process-this-test")?.["process_running"]).toBe(true);
    expect(find("process-this-test")?.["process_cpu_percent"]).toBeLessThanOrEqual(100 * cpus().length);
    expect(find("process-this-test")?.["process_restarts_total"]).toBe(0);
    expect(find("process-nobody")).toMatchObject({ process_running: false, process_instances: 0 });
    expect(samples.some(({ component }) => component === "port-lo")).toBe(false);
    expect(samples.length).toBeLessThan(LIMITS.tablesMax);
    const announced = new Set(poller.metrics());
    expect(samples.flatMap(({ metrics }) => Object.keys(metrics)).filter((name) => !announced.has(name))).toEqual([]);
    await poller.close();
  });
});
