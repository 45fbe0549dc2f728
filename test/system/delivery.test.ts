/**
 * The agent's end of delivery, as a real process beside a real collector: a disk that fills up under it or is
 * read-only from the start, a password that changes while batches are on their way, and a host whose clock was never set.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { zplOverTcp } from "../rig/devices.ts";
import {
  type AgentRig,
  type CollectorRig,
  cleanUp,
  onCleanUp,
  startAgent,
  startCollector,
  startProgram,
  tempFolder,
  waitFor,
} from "../rig/rig.ts";

const RULES = `group: test
select: kind == "label_printer"
rules:
  - { id: media-out, title: "Media out", when: "media_out", for: 0s, severity: major, category: consumable }
`;

/** Where Debian's package libfaketime puts it. */
const FAKETIME = ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`);

type Incident = { rule: string; recoveredAt: number | null };
type Lane = { epoch: string; batches: number; owed: number; missing: number; isBalanced: boolean };

afterAll(cleanUp);

const open = async (collector: CollectorRig): Promise<number> => {
  const { items } = await collector.api<{ items: Incident[] }>("/incidents?state=all");
  return items.filter(({ rule, recoveredAt }) => rule === "media-out" && recoveredAt === null).length;
};
const lanes = async (collector: CollectorRig): Promise<Lane[]> =>
  (await collector.api<{ lanes: Lane[] }>("/audit/delivery")).lanes;

async function printerAt(
  collector: CollectorRig,
  data: string,
): Promise<{ agent: AgentRig; printer: Awaited<ReturnType<typeof zplOverTcp>> }> {
  const printer = await zplOverTcp();
  const agent = await startAgent(
    collector,
    "store-1/pc",
    `  - { id: bakery/printer, kind: label_printer, driver: zpl, every: 300ms, line: { tcp: "127.0.0.1:${printer.port}" } }\n`,
  );
  await agent.program.stop();
  const config = readFileSync(agent.config, "utf8");
  writeFileSync(agent.config, config.replace("data: ./data", `data: ${JSON.stringify(data)}`));
  await agent.restart();
  return { agent, printer };
}

describe("an agent whose disk fails under it", { concurrent: true }, () => {
  const why = smallDiskMissing();

  it.skipIf(why !== null)(
    `is still watched, tells of it, and goes on where it was when the disk is back${why ?? ""}`,
    async () => {
      const disk = smallDisk();
      const collector = await startCollector({ rules: RULES });
      const { agent, printer } = await printerAt(collector, join(disk.folder, "data"));
      await waitFor("first batches", async () => (await lanes(collector)).some(({ batches }) => batches > 3));

      disk.fill();
      await waitFor("the agent to notice", () => agent.program.output().includes("outbox_write_failed"));
      printer.fault("media-out");
      await waitFor("the incident, from memory", async () => (await open(collector)) === 1);
      const inMemory = async (): Promise<unknown> =>
        (await collector.api<{ id: string; outbox: { inMemory: string | null } | null }[]>("/agents")).find(
          ({ id }) => id === "pc",
        )?.outbox?.inMemory;
      expect(await waitFor("the collector to know", inMemory)).toMatch(/full/);
      printer.heal();
      await waitFor("it to be over", async () => (await open(collector)) === 0);
      disk.free();
      await waitFor("the file to be used", () => agent.program.output().includes("outbox_write_recovered"));
      printer.fault("media-out");
      await waitFor("the incident, from the disk", async () => (await open(collector)) === 1);
      expect(await agent.program.stop()).toBe(0);
      await waitFor("an account that adds up", async () =>
        (await lanes(collector)).every(({ missing, owed, isBalanced }) => missing === 0 && owed === 0 && isBalanced),
      );
      const metrics = await (await fetch(`${collector.http}/metrics`)).text();
      expect(metrics).toMatch(/^aislewatch_batch_gaps_total 0$/m);
    },
  );

  it.skipIf(why !== null)(`starts on a disk that is read-only, and delivers${why ?? ""}`, async () => {
    const disk = smallDisk();
    const collector = await startCollector({ rules: RULES });
    mkdirSync(join(disk.folder, "data"));
    disk.readOnly();
    const { agent, printer } = await printerAt(collector, join(disk.folder, "data"));
    printer.fault("media-out");
    await waitFor("the incident", async () => (await open(collector)) === 1);
    expect(agent.program.output()).toMatch(/data_folder_refused[\s\S]*outbox_write_failed/);
    disk.writable();
    await waitFor("the file to be used", () => agent.program.output().includes("outbox_write_recovered"));
    expect(existsSync(join(disk.folder, "data", "outbox.db"))).toBe(true);
    expect(await agent.program.stop()).toBe(0);
  });
});

describe("an agent whose collector's password changes while batches are on their way", { concurrent: true }, () => {
  it("goes on with the new one after SIGHUP, and loses nothing", async () => {
    const collector = await startCollector({ rules: RULES });
    const { agent } = await printerAt(collector, "./data");
    await waitFor("first batches", async () => (await lanes(collector)).some(({ batches }) => batches > 3));
    // The collector knows only the new password from here on, and cuts the connection that was made with the old one.
    const password = await collector.addAgent("store-1/pc");
    await collector.program.kill();
    await collector.restart();
    await waitFor("the agent to be refused", () => agent.program.output().includes("uplink_refused"));
    const moved = join(agent.folder, "new.password");
    writeFileSync(moved, readFileSync(password));
    writeFileSync(agent.config, readFileSync(agent.config, "utf8").replace(/file:[^"]*/, `file:${moved}`));
    process.kill(agent.program.pid, "SIGHUP");
    await waitFor("batches again", async () =>
      (await lanes(collector)).every(({ owed, isBalanced, missing }) => owed === 0 && missing === 0 && isBalanced),
    );
    // And once more while it is connected and has batches on their way.
    for (let n = 0; n < 3; n++) {
      const before = (await lanes(collector)).reduce((sum, { batches }) => sum + batches, 0);
      writeFileSync(`${moved}.${n}`, readFileSync(password));
      writeFileSync(agent.config, readFileSync(agent.config, "utf8").replace(/file:[^"]*/, `file:${moved}.${n}`));
      process.kill(agent.program.pid, "SIGHUP");
      await waitFor("the reload", () => agent.program.output().split("config_reloaded").length > n + 2);
      await waitFor(
        "more batches",
        async () => (await lanes(collector)).reduce((sum, { batches }) => sum + batches, 0) > before + 5,
      );
    }
    expect(await agent.program.stop()).toBe(0);
    await waitFor("all of it", async () =>
      (await lanes(collector)).every(({ owed, missing, isBalanced }) => owed === 0 && missing === 0 && isBalanced),
    );
    const metrics = await (await fetch(`${collector.http}/metrics`)).text();
    expect(metrics).toMatch(/^aislewatch_batch_gaps_total 0$/m);
  });
});

describe("an agent on a host whose clock was never set", { concurrent: true }, () => {
  const library = FAKETIME.find(existsSync);
  if (library === undefined && process.env["CI"])
    throw new Error("libfaketime is missing: apt-get install libfaketime");

  it.skipIf(library === undefined)(
    "polls nothing before the collector has told it the time, and then reads in that time",
    async () => {
      const collector = await startCollector({ rules: RULES });
      const { agent, printer } = await printerAt(collector, "./data");
      await agent.program.stop();
      await collector.program.stop();
      rmSync(join(agent.folder, "data"), { recursive: true });
      const program = await startProgram("agent/main.ts", ["run", "--config", agent.config, "--log-format", "text"], {
        env: { LD_PRELOAD: library ?? "", FAKETIME: "@1970-01-02 00:00:00", FAKETIME_DONT_FAKE_MONOTONIC: "1" },
      });
      await waitFor("the agent to say so", () => program.output().includes("clock_not_set"));
      await collector.restart();
      printer.fault("media-out");
      await waitFor("the time", () => /clock_known.*collector/.test(program.output()));
      await waitFor("the incident", async () => (await open(collector)) === 1);
      const readNow = async (): Promise<boolean> => {
        const now = Date.now();
        const span = `from=${now - 60_000}&to=${now + 60_000}`;
        const series = `/sites/store-1/series?device=bakery%2Fprinter&metric=media_out&${span}`;
        return (await collector.api<{ points: unknown[] }>(series)).points.length > 0;
      };
      await waitFor("its readings, within a minute of ours", readNow);
      expect(await program.stop()).toBe(0);
    },
  );
});

/** A disk of 24 MB of its own, which can be made read-only and full. */
function smallDisk() {
  const folder = tempFolder();
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=24m", "tmpfs", folder]);
  onCleanUp(() => void execFileSync("umount", ["-l", folder]));
  const remount = (how: string): void => void execFileSync("mount", ["-o", `remount,${how}`, folder]);
  const filler = join(folder, "filler");
  return {
    folder,
    readOnly: () => remount("ro"),
    writable: () => remount("rw"),
    fill() {
      for (const size of [1 << 20, 1 << 12]) {
        try {
          for (;;) writeFileSync(filler, Buffer.alloc(size, 1), { flag: "a" });
        } catch {
          // Full, for blocks of this size.
        }
      }
    },
    free: () => rmSync(filler),
  };
}

/** Why a small disk can't be had here, or null; under CI it must be. */
function smallDiskMissing(): string | null {
  if (process.platform === "linux" && process.getuid?.() === 0) return null;
  if (process.env["CI"]) throw new Error("the tests of failing disks need Linux and root, to mount a small tmpfs");
  return " (left out: needs Linux and root, to mount a small tmpfs)";
}
