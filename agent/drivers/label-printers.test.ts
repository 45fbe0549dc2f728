/**
 * The dialects of label printers against the simulated printer that speaks them: over TCP, and over a pseudo-terminal
 * pair under the real serialport binding at the pace of a serial line. Faults are put into the printer, not into bytes.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realClock } from "@aislewatch/runtime";
import {
  type ByteDevice,
  bringToLife,
  type Dialogue,
  dplDialogue,
  eplDialogue,
  type LabelState,
  type LiveDevice,
  labelPrinter,
  NORMAL,
  sbplDialogue,
  seededRandom,
  startSerialDevice,
  startTcpDevice,
  tsplDialogue,
  zplDialogue,
} from "@aislewatch/simulator";
import { describe, expect, it, type TestContext } from "vitest";
import { waitFor } from "../../test/rig/rig.ts";
import dpl from "./dpl/index.ts";
import type { AnyDriver, Parsed } from "./driver.ts";
import epl from "./epl/index.ts";
import sbpl from "./sbpl/index.ts";
import tspl from "./tspl/index.ts";
import zpl from "./zpl/index.ts";

const hasSocat = spawnSync("socat", ["-V"]).error === undefined;
if (!hasSocat && process.env["CI"]) throw new Error("socat is missing: apt-get install socat");
if (!hasSocat) process.stderr.write("label-printers.test.ts: serial lines skipped, socat is not installed\n");

const identity = { name: "dock-1", model: "ZT411", serial: "99J204500217", firmware: "V92.21.39Z", location: "Dock" };

type Printer = LiveDevice<LabelState>;
type Speaker = {
  readonly name: string;
  readonly driver: AnyDriver;
  readonly dialogue: (device: Printer) => () => Dialogue;
  /** Fault of the printer -> the metric that has to turn true; what a dialect has no word for is not listed. */
  readonly tells: Readonly<Record<string, string>>;
};

const COMMON = { "media-out": "media_out", "head-open": "head_open", "cutter-jam": "cutter_fault", paused: "paused" };
const RIBBON = { "ribbon-out": "ribbon_out", "ribbon-low": "ribbon_low" };

const SPEAKERS: readonly Speaker[] = [
  {
    name: "zpl",
    driver: zpl,
    dialogue: (device) => zplDialogue({ identity, device }),
    tells: {
      ...COMMON,
      "media-low": "media_low",
      "ribbon-out": "ribbon_out",
      "head-hot": "head_over_temperature",
      jam: "jammed",
    },
  },
  {
    name: "zpl, mute on ~HS in error",
    driver: zpl,
    dialogue: (device) => zplDialogue({ identity, device, muteInError: true }),
    tells: { "media-out": "media_out", "head-open": "head_open", "cutter-jam": "cutter_fault", jam: "jammed" },
  },
  {
    name: "tspl",
    driver: tspl,
    dialogue: (device) => tsplDialogue({ device }),
    tells: { ...COMMON, ...RIBBON, "media-low": "media_low", "head-hot": "head_over_temperature", jam: "jammed" },
  },
  {
    name: "tspl before V6.29",
    driver: tspl,
    dialogue: (device) => tsplDialogue({ device, isOld: true }),
    tells: {
      "media-out": "media_out",
      "head-open": "head_open",
      "ribbon-out": "ribbon_out",
      jam: "jammed",
      paused: "paused",
    },
  },
  {
    name: "sbpl",
    driver: sbpl,
    dialogue: (device) => sbplDialogue({ device }),
    tells: { ...COMMON, ...RIBBON, jam: "media_fault", "head-hot": "recoverable_error" },
  },
  {
    name: "sbpl over LAN",
    driver: sbpl,
    dialogue: (device) => sbplDialogue({ device, protocol: 3, saysSize: true }),
    tells: { ...COMMON },
  },
  {
    name: "dpl",
    driver: dpl,
    dialogue: (device) => dplDialogue({ device }),
    tells: { ...COMMON, ...RIBBON, jam: "media_fault" },
  },
  {
    name: "dpl without the extended status",
    driver: dpl,
    dialogue: (device) => dplDialogue({ device, isOld: true }),
    tells: { "media-out": "media_out", "ribbon-out": "ribbon_out", paused: "paused" },
  },
  {
    name: "epl",
    driver: epl,
    dialogue: (device) => eplDialogue({ device }),
    tells: { ...COMMON, "head-hot": "head_over_temperature", jam: "recoverable_error" },
  },
];

/** Printers here answer in milliseconds; a busy machine takes its time. Only what never answers costs so much, side by side. */
const ANSWER_MS = 1_500;
const random = seededRandom(7);
const newPrinter = (): Printer => bringToLife(labelPrinter(identity), realClock, random);

/** The tests run side by side, so what one of them opened is closed at its own end. */
type Test = Pick<TestContext, "onTestFinished">;

async function onTcp(test: Test, dialogue: () => Dialogue): Promise<{ line: unknown; served: ByteDevice }> {
  const started = await startTcpDevice({
    clock: realClock,
    random,
    dialogue,
    address: "127.0.0.1",
    port: 0,
    paceMs: 1,
  });
  if (!started.ok) throw new Error(started.error.detail);
  test.onTestFinished(() => started.value.stop());
  return { line: { tcp: `127.0.0.1:${started.value.line}` }, served: started.value };
}

/** What each poll says: the metrics, or the kind of failure. */
function pollerOf(test: Test, driver: AnyDriver, line: unknown) {
  const config = driver.config.parse({ line });
  const poller = driver.open({ id: "p", kind: "label_printer", config, secret: () => "" });
  test.onTestFinished(() => poller.close());
  let nowMs = 0;
  return {
    about: () => Object.fromEntries(poller.about?.() ?? []),
    async poll(
      waitMs = ANSWER_MS,
    ): Promise<{ value: Parsed | null; metrics: Record<string, unknown>; failure: string }> {
      nowMs += 60_000;
      const reply = await poller.poll({ signal: AbortSignal.timeout(60_000), timeoutMs: waitMs, nowMs });
      if (!reply.ok) return { value: null, metrics: {}, failure: `${reply.error.kind}: ${reply.error.detail}` };
      const parsed = poller.parse(reply.value);
      if (!parsed.ok) return { value: null, metrics: {}, failure: `protocol: ${parsed.error.detail}` };
      return { value: parsed.value, metrics: { ...parsed.value.samples[0]?.metrics }, failure: "" };
    },
  };
}

const bad = (metrics: Record<string, unknown>): string[] =>
  Object.keys(metrics).filter(
    (name) => metrics[name] === true && !["printing", "label_waiting", "format_incomplete"].includes(name),
  );

describe.concurrent.each(SPEAKERS)("$name over TCP", ({ driver, dialogue, tells }) => {
  it("says that nothing is wrong, then each fault by its metric, then that it is mended", async (test) => {
    const device = newPrinter();
    const { line } = await onTcp(test, dialogue(device));
    const { poll } = pollerOf(test, driver, line);
    expect(bad((await poll()).metrics)).toEqual([]);
    for (const [fault, metric] of Object.entries(tells)) {
      device.fault(fault);
      const { metrics, failure } = await poll();
      expect({ fault, failure, says: metrics[metric] }).toEqual({ fault, failure: "", says: true });
      device.heal(fault);
      expect({ fault, after: bad((await poll()).metrics) }).toEqual({ fault, after: [] });
    }
  });

  it("reports only metrics that the driver announces, of its kind", async (test) => {
    const device = newPrinter();
    const { line } = await onTcp(test, dialogue(device));
    const { poll } = pollerOf(test, driver, line);
    const announced = driver.open({
      id: "p",
      kind: "label_printer",
      config: driver.config.parse({ line }),
      secret: () => "",
    });
    const { metrics } = await poll();
    expect(Object.keys(metrics).filter((name) => !announced.metrics().includes(name))).toEqual([]);
  });

  it("takes noise for no status, and says what is wrong when nothing comes back", async (test) => {
    const device = newPrinter();
    const { line, served } = await onTcp(test, dialogue(device));
    const { poll } = pollerOf(test, driver, line);
    await served.setConduct({ kind: "garbage" });
    expect((await poll(60)).failure).toMatch(/^(?:protocol|timeout): /);
    await served.setConduct(NORMAL);
    expect((await poll()).failure).toBe("");
    await served.setConduct({ kind: "silent" });
    expect((await poll()).failure).toMatch(/^refused: /);
    const mute = await onTcp(test, () => ({ take: () => [] }));
    expect((await pollerOf(test, driver, mute.line).poll()).failure).toMatch(/^timeout: connected, but no reply to /);
  });
});

describe("what only ZPL tells", () => {
  it("whose word a verdict is, the printer's identity, and how far it has come", async (test) => {
    const device = newPrinter();
    const { line } = await onTcp(test, zplDialogue({ identity, device }));
    const { poll, about } = pollerOf(test, zpl, line);
    device.fault("media-out");
    const { value, metrics } = await poll();
    expect(value?.asset).toEqual({
      vendor: "Zebra",
      model: "ZT411-203dpi",
      firmware: "V92.21.39Z",
      serial: "99J204500217",
    });
    expect(value?.evidence).toMatchObject([{ metric: "media_out", by: ["~HS", "~HQES"], against: [] }]);
    const meters = device.state().printedLabels * 0.08;
    expect(Number(metrics["printed_length_meters_total"])).toBeCloseTo(meters, 0);
    expect(Number(metrics["head_used_length_meters"])).toBeCloseTo(meters - 20_000 * 0.08, 0);
    expect(metrics).toMatchObject({ head_replacement_interval_meters: 50_000, head_failed_elements: 0 });
    expect(Math.floor(Number(metrics["labels_printed_total"]))).toBe(Math.floor(device.state().printedLabels));
    expect(about()).toMatchObject({ errors: "media out", "print mode": "tear-off" });
  });

  it("sends a clone nothing that it would print", async (test) => {
    const device = newPrinter();
    device.fault("paused");
    const clone = { ...identity, model: "GC420", firmware: "1.15.07" };
    const { line } = await onTcp(test, zplDialogue({ identity: clone, device, isClone: true }));
    const { poll } = pollerOf(test, zpl, line);
    const queued = Math.ceil(device.state().queue);
    for (let n = 0; n < 3; n++) expect((await poll()).failure).toBe("");
    expect(Math.ceil(device.state().queue)).toBe(queued);
  });
});

const ON_SERIAL = SPEAKERS.filter(({ name, driver }) => hasSocat && name === driver.name);

describe.concurrent.each(ON_SERIAL)("$name over a serial line", ({ driver, dialogue }) => {
  it("is read at the line's pace, through noise, silence, and a cable that is pulled and put back", async (test) => {
    const folder = mkdtempSync(join(tmpdir(), "label-"));
    test.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const device = newPrinter();
    let plugged = await plug(folder, dialogue(device));
    test.onTestFinished(() => plugged.pull());
    const { poll } = pollerOf(test, driver, { serial: join(folder, "host"), baud_rate: 38_400 });
    expect(await poll()).toMatchObject({ failure: "", metrics: { media_out: false } });

    device.fault("media-out");
    expect(await poll()).toMatchObject({ failure: "", metrics: { media_out: true } });

    await plugged.served.setConduct({ kind: "garbage" });
    expect((await poll(80)).failure).toMatch(/^(?:protocol|timeout): /);
    await plugged.served.setConduct({ kind: "silent" });
    expect((await poll(40)).failure).toMatch(/^timeout: /);

    await plugged.pull();
    await test.expect.poll(async () => (await poll(40)).failure).toMatch(/^(?:unreachable|io): /);
    plugged = await plug(folder, dialogue(device));
    await test.expect.poll(() => poll()).toMatchObject({ metrics: { media_out: true } });
  });
});

type Plugged = { readonly served: ByteDevice; pull(): Promise<void> };

/** A cable: a pair of pseudo-terminals, the printer at one end of it. */
async function plug(folder: string, dialogue: () => Dialogue): Promise<Plugged> {
  const [host, printer] = [join(folder, "host"), join(folder, "printer")];
  const socat: ChildProcess = spawn("socat", [`pty,raw,echo=0,link=${host}`, `pty,raw,echo=0,link=${printer}`]);
  await waitFor("both ends of the cable", () => existsSync(host) && existsSync(printer));
  const started = await startSerialDevice({ clock: realClock, random, dialogue, path: printer, baudRate: 38_400 });
  if (!started.ok) throw new Error(started.error.detail);
  return {
    served: started.value,
    async pull() {
      await started.value.stop();
      if (socat.exitCode !== null || socat.signalCode !== null) return;
      const ended = new Promise((resolve) => socat.once("exit", resolve));
      socat.kill("SIGKILL");
      await ended;
      // What a USB adapter's driver does when the adapter goes.
      rmSync(host, { force: true });
      rmSync(printer, { force: true });
    },
  };
}
