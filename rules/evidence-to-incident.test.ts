/**
 * From the evidence itself to the incident: a sysfs tree, port status bits, HID reports, files of /proc, what tools and
 * journals write, IPP and TLS over a socket, NUT's lines. Each goes through the driver's own poll or reading of it, over the
 * wire's form, into a collector's judge with the shipped packs as they are. No other incident may open.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createTcpServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import { type Clock, ManualClock, type Result } from "@aislewatch/base";
import type { SampleSet } from "@aislewatch/contract";
import { isKind } from "@aislewatch/devices";
import { compileRules } from "@aislewatch/rules";
import { realClock } from "@aislewatch/runtime";
import { startIppQueue, UsbTree, type UsbUnit } from "@aislewatch/simulator";
import { afterEach, describe, expect, it } from "vitest";
import { readUsbDevice } from "../agent/core/usb-device.ts";
import type { Parsed, ParseError, PollContext } from "../agent/drivers/driver.ts";
import { parse as parseHid } from "../agent/drivers/hid/parse.ts";
import { parse as parseHost } from "../agent/drivers/host/parse.ts";
import { type Restarts, stepRestarts } from "../agent/drivers/host/restarts.ts";
import { HostHealth } from "../agent/drivers/host/system.ts";
import { removeTestSystems, testSystem } from "../agent/drivers/host/test-system.ts";
import type { HostReply } from "../agent/drivers/host/types.ts";
import ipp from "../agent/drivers/ipp/index.ts";
import { parse as parseNut } from "../agent/drivers/nut/parse.ts";
import { parse as parseReach } from "../agent/drivers/reach/parse.ts";
import { tryTarget } from "../agent/drivers/reach/poll.ts";
import usb from "../agent/drivers/usb/index.ts";
import { parse as parseUsblp } from "../agent/drivers/usblp/parse.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "../agent/transport/test-certificate.ts";
import { batchOf, configOf, sampleSite, statusOf } from "../collector/sample-site.ts";

const ends: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  removeTestSystems();
});

type Samples = readonly SampleSet[];
/** What a driver says at the n-th poll since the fault began; below zero all is well. */
type Evidence = (n: number) => Samples | Promise<Samples>;

function samplesOf(parsed: Result<Parsed, ParseError>): Samples {
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return parsed.value.samples;
}
const context = (): PollContext => ({ signal: AbortSignal.timeout(5_000), timeoutMs: 5_000, nowMs: 0 });

type Run = {
  readonly kind: string;
  readonly everyMs: number;
  readonly wellPolls: number;
  readonly faultyPolls: number;
  readonly evidence: Evidence;
};

const PACKS = join(import.meta.dirname, "packs");
const files = readdirSync(PACKS).filter((name) => name.endsWith(".yaml"));
const compiled = compileRules(files.map((file) => ({ file, text: readFileSync(join(PACKS, file), "utf8") })));

/** Incidents as they stand at the end: `rule#component severity runbook`, and whether nobody knows it any more. */
async function incidents({ kind, everyMs, wellPolls, faultyPolls, evidence }: Run): Promise<string[]> {
  if (!compiled.ok || !isKind(kind)) throw new Error("the packs are checked elsewhere");
  const site = await sampleSite();
  ends.push(() => site.end());
  site.judge.setConfig({ ...configOf(), rules: compiled.rules });
  site.send("status", statusOf());
  let announced = "";
  for (let n = 0; n < wellPolls + faultyPolls; n++) {
    const samples = await evidence(n - wellPolls);
    const own = Object.assign({}, ...samples.map(({ component, metrics }) => (component === null ? metrics : {})));
    const parts = samples.filter(({ component }) => component !== null);
    const metrics = ["up", ...new Set(samples.flatMap((one) => Object.keys(one.metrics)))].sort();
    const components = parts.flatMap(({ component }) => component ?? []);
    const device = { id: "one", kind, driver: "usb", labels: {}, dependsOn: [], intervalMs: everyMs, asset: {} };
    // An inventory is sent again when it grows.
    if (announced !== JSON.stringify([metrics, components])) site.inventory([{ ...device, components, metrics }]);
    announced = JSON.stringify([metrics, components]);
    const at = site.clock.now();
    const reading = { device: "one", at, samples: [{ component: null, metrics: { up: true, ...own } }, ...parts] };
    site.send("telemetry", batchOf(n + 1, [reading], { sentAt: at }));
    await site.pass(250);
    site.clock.advance(everyMs - 250);
    site.judge.tick();
  }
  await site.pass(250);
  return site.opened.flatMap(({ id }) => {
    const incident = site.state.incident(id);
    if (incident === null) return [];
    const { rule, subject, severity, runbook } = incident;
    const part = subject.component === null ? "" : `#${subject.component}`;
    return [`${rule}${part} ${severity} ${runbook ?? "none"}${incident.stale ? ", state unknown" : ""}`];
  });
}

// USB, by a folder of sysfs's shape.

const SCANNER: UsbUnit = { vendorId: "05f9", productId: "2206", product: "Gryphon", currentMilliamperes: 100 };

function onUsb(happen: (tree: UsbTree, n: number) => void): Evidence {
  const folder = mkdtempSync(join(tmpdir(), "evidence-"));
  const tree = new UsbTree(folder);
  tree.plug("1-1", SCANNER);
  const config = usb.config.parse({ match: { port: "1-1" }, sysfs: folder, kernel_log: tree.kernelLog });
  const poller = usb.open({ id: "one", kind: "barcode_scanner", config, secret: () => "" });
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  return async (n) => {
    if (n >= 0) happen(tree, n);
    const reply = await poller.poll(context());
    if (!reply.ok) throw new Error(reply.error.detail);
    return samplesOf(poller.parse(reply.value));
  };
}

// A device's own bytes.

const device = readUsbDevice({
  port: "1-4",
  attributes: { devnum: "7", idVendor: "0922", idProduct: "8003", manufacturer: "X", product: "Y" },
  interfaces: [],
});

/** GET_PORT_STATUS, one byte. */
const portStatus = (byte: number): Samples =>
  samplesOf(
    parseUsblp({ device, certain: false, deviceId: "MFG:EPSON;CMD:ESC/POS;MDL:TM;", portStatus: byte, wasWell: true }),
  );

const SCALE =
  "058d0920a10185030932a10219712978150125087508950181001951295c1501250c810009411581257f81020940150027ffff000075108102c0c0";
const CORDLESS = "058c0902a10185040915a10209750976250175019502810295068103" + "05850966096b256475089502" + "8102c0c0";
/** Mains, discharging, low; charge. */
const UPS = "05840904a1010924a1028501058509d00945094215002501750195038102750595018103850205850966256475089501b102c0c0";

const report = (descriptor: string, type: "input" | "feature", ...reports: readonly string[]): Samples => {
  const sent = reports.map((hex) => ({ report: type, hex: hex.replaceAll(" ", "") }));
  return samplesOf(parseHid({ device, certain: false, descriptor, reports: sent }, { zero_window_kilograms: 0.02 }));
};

// A host, by its files, its tools, and what systeminformation answers.

const TILL = JSON.parse(
  readFileSync(join(import.meta.dirname, "../agent/drivers/host/testdata/debian-pos/reply.json"), "utf8"),
) as HostReply;
const DISK = TILL.disks?.find(({ mount }) => mount === "/");
const HOST: HostReply = { ...TILL, disks: DISK === undefined ? [] : [DISK], clockSynchronized: true, processes: null };
const till = (more: Partial<HostReply>): Samples => samplesOf(parseHost({ ...HOST, ...more }));

type Files = Readonly<Record<string, string>>;

/** Files of the system and what its tools say, before and since. */
function onHost(well: { files?: Files; says?: Files }, faulty: { files?: Files; says?: Files }): Evidence {
  const saying = (says: Files) => Object.fromEntries(Object.entries(says).map(([line, out]) => [line, { out }]));
  const system = testSystem(well.files ?? {}, saying(well.says ?? {}));
  const health = new HostHealth(system, ["pos.service"]);
  return async (n) => {
    if (n === 0) {
      for (const [path, text] of Object.entries(faulty.files ?? {})) writeFileSync(join(system.root, path), text);
      Object.assign(system.says, saying(faulty.says ?? {}));
    }
    const [looked, drives, leases] = await Promise.all([health.look(), health.askDrives(), health.leases()]);
    return till({ health: looked, drives, leases });
  };
}

const smart = (passed: boolean, pending: number): string =>
  JSON.stringify({
    device: { name: "/dev/sda" },
    smart_status: { passed },
    ata_smart_attributes: { table: [{ id: 197, value: 100, when_failed: "", raw: { value: pending } }] },
  });
const SCAN = { "smartctl --scan": JSON.stringify({ devices: [{ name: "/dev/sda", type: "sat" }] }) };
const mounts = (options: string): Files => ({ "proc/self/mounts": `/dev/sda2 / ext4 ${options},relatime 0 0\n` });
const FSTAB = { "etc/fstab": "/dev/sda2 / ext4 errors=remount-ro 0 1\n" };
const tracking = (seconds: string): Files => ({ chronyc: `A,10.0.0.1,3,1.0,${seconds},0,0,0,0,0,0,0,0,Normal` });
const unit = (state: string): Files => ({
  "systemctl show --property=LoadState": `LoadState=loaded\nActiveState=${state}\nNRestarts=0\n`,
});
const address = (left: number | null): Files => {
  const lent = left === null ? [] : [{ scope: "global", dynamic: true, valid_life_time: left }];
  return { ip: JSON.stringify([{ ifname: "enp3s0", operstate: "UP", addr_info: lent }]) };
};

/** The POS program by its process ids, as a list of processes has them. */
function processes(pids: (n: number) => readonly number[], memoryBytes: (n: number) => number): Evidence {
  let seen: Restarts | null = null;
  return (n) => {
    const there = pids(n);
    seen = stepRestarts(seen, there);
    const one = { name: "pos", instances: there.length, cpuPercent: 1, cores: 4, restarts: seen.count };
    return till({ processes: [{ ...one, memoryBytes: there.length === 0 ? 0 : memoryBytes(n) }] });
  };
}

// What is asked over a socket.

async function portOf(server: Server): Promise<number> {
  server.on("connection", (socket) => socket.on("error", () => {}).resume());
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  ends.push(() => new Promise<void>((done) => server.close(() => done())));
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

/** One try each, before and since; its answer is told at every poll. */
function reaching(well: () => Promise<Samples>, faulty: () => Promise<Samples>): Evidence {
  let told: Promise<Samples> | null = null;
  return (n) => {
    if (n === 0 || told === null) told = n < 0 ? well() : faulty();
    return told;
  };
}

const tried = async (port: number, secure: boolean, clock: Clock): Promise<Samples> =>
  samplesOf(
    parseReach({
      targets: [await tryTarget({ name: "uplink", host: "127.0.0.1", port, secure }, context(), clock)],
    }),
  );

/** A clock on which whatever is measured has taken this long. */
function slowClock(ms: number): Clock {
  const manual = new ManualClock(0);
  return {
    now: () => manual.now(),
    after: (waitMs, run) => manual.after(waitMs, run),
    monotonic: () => {
      manual.advance(ms);
      return manual.monotonic();
    },
  };
}

/** When the certificate of the test ends. */
const ENDS_AT_MS = Date.UTC(2126, 9, 29, 1, 24, 48);
const DAY_MS = 86_400_000;
const tlsServer = (): Promise<number> => portOf(createTlsServer({ cert: TEST_CERTIFICATE, key: TEST_KEY }));

async function queue(change: { readonly state: 3 | 4 | 5; readonly reasons: string[]; waitedSeconds: number }) {
  const started = await startIppQueue({ address: "127.0.0.1", port: 0, path: "/printers/receipts", clock: realClock });
  if (!started.ok) throw new Error(started.error.detail);
  ends.push(() => started.value.stop());
  const uri = `ipp://127.0.0.1:${started.value.port}/printers/receipts`;
  const config = ipp.config.parse({ queue: uri });
  const poller = ipp.open({ id: "one", kind: "receipt_printer", config, secret: () => "" });
  const evidence: Evidence = async (n) => {
    if (n === 0) {
      const createdAtMs = Date.now() - change.waitedSeconds * 1_000;
      const job = { id: 1, state: 5, createdAtMs, name: "receipt" };
      started.value.set({ state: change.state, reasons: change.reasons, jobs: [job] });
    }
    const reply = await poller.poll(context());
    if (!reply.ok) throw new Error(reply.error.detail);
    return samplesOf(poller.parse(reply.value));
  };
  return evidence;
}

const nut = (status: string): Samples =>
  samplesOf(
    parseNut({
      variables: `BEGIN LIST VAR ups\nVAR ups ups.status "${status}"\nVAR ups battery.charge "80"\nEND LIST VAR ups\n`,
    }),
  );

const MINUTE_MS = 60_000;

type Case = {
  readonly name: string;
  readonly kind: string;
  readonly evidence: () => Evidence | Promise<Evidence>;
  readonly want: readonly string[];
  readonly everyMs?: number;
  readonly wellPolls?: number;
  readonly faultyPolls?: number;
};

const DAY_OF_POLLS = { everyMs: 30 * MINUTE_MS, wellPolls: 4, faultyPolls: 36 };

const CASES: readonly Case[] = [
  {
    name: "a device is gone from its port",
    kind: "barcode_scanner",
    evidence: () => onUsb((tree, n) => n === 0 && tree.unplug("1-1")),
    want: ["detached major device/detached"],
  },
  {
    name: "a device flaps on its cable",
    kind: "barcode_scanner",
    evidence: () => onUsb((tree, n) => n < 4 && tree.drop("1-1")),
    want: ["usb-flapping major usb/flapping"],
  },
  {
    name: "a hub switches a port off for too much current",
    kind: "barcode_scanner",
    evidence: () =>
      onUsb((tree, n) => {
        if (n !== 0) return;
        tree.overCurrent("1-1");
        tree.unplug("1-1");
      }),
    want: ["usb-over-current major usb/over-current"],
  },
  {
    name: "the same at the second poll of all, half an hour after the first",
    kind: "barcode_scanner",
    evidence: () => onUsb((tree, n) => n === 0 && tree.overCurrent("1-1")),
    want: ["usb-over-current major usb/over-current"],
    everyMs: 30 * MINUTE_MS,
    wellPolls: 1,
    faultyPolls: 2,
  },
  {
    name: "the same seconds after the agent's start, and the device stays away",
    kind: "barcode_scanner",
    evidence: () =>
      onUsb((tree, n) => {
        if (n !== 0) return;
        tree.overCurrent("1-1");
        tree.unplug("1-1");
      }),
    want: ["usb-over-current major usb/over-current"],
    everyMs: 5_000,
    wellPolls: 3,
    faultyPolls: 5,
  },
  {
    name: "a scanner was set to another interface",
    kind: "barcode_scanner",
    evidence: () => onUsb((tree, n) => n === 0 && tree.plug("1-1", { ...SCANNER, productId: "4204" })),
    want: ["usb-mode minor usb/mode"],
  },
  {
    name: "a printer's port status says that paper is out",
    kind: "receipt_printer",
    evidence: () => (n) => portStatus(n < 0 ? 0x18 : 0x38),
    want: ["receipt-paper-out major receipt-printer/paper-out"],
  },
  {
    name: "a printer's port status says that it is off-line",
    kind: "receipt_printer",
    evidence: () => (n) => portStatus(n < 0 ? 0x18 : 0x08),
    want: ["receipt-offline major receipt-printer/offline"],
  },
  {
    name: "a cordless scanner's battery is low",
    kind: "barcode_scanner",
    evidence: () => (n) => report(CORDLESS, "input", n < 0 ? "04 02 50 10" : "04 02 0f 10"),
    want: ["scanner-battery-low minor barcode-scanner/battery-low"],
  },
  {
    name: "a scale reports a fault",
    kind: "scale",
    evidence: () => (n) => report(SCALE, "input", n < 0 ? "03 02 02 00 0000" : "03 01 02 00 0000"),
    want: ["hardware-fault minor device/hardware-fault"],
  },
  {
    name: "a scale asks to be calibrated",
    kind: "scale",
    evidence: () => (n) => report(SCALE, "input", n < 0 ? "03 02 02 00 0000" : "03 07 02 00 0000"),
    want: ["scale-uncalibrated major scale/calibration"],
  },
  {
    name: "a UPS says over USB that mains is gone",
    kind: "ups",
    evidence: () => (n) => [...report(UPS, "input", n < 0 ? "01 01" : "01 02"), ...report(UPS, "feature", "02 50")],
    want: ["ups-on-battery major ups/on-battery"],
  },
  {
    name: "a UPS behind upsd says that mains is gone",
    kind: "ups",
    evidence: () => (n) => nut(n < 0 ? "OL" : "OB DISCHRG"),
    want: ["ups-on-battery major ups/on-battery"],
  },
  {
    name: "a disk is full",
    kind: "pos_terminal",
    evidence: () => (n) =>
      till({ disks: HOST.disks?.map((one) => (n < 0 ? one : { ...one, usedBytes: 97e9, availableBytes: 1e9 })) ?? [] }),
    want: ["disk-nearly-full#disk-root major host/disk-full"],
  },
  {
    name: "a disk has space, and no inode for another file",
    kind: "pos_terminal",
    evidence: () => (n) =>
      till({
        disks: HOST.disks?.map((one) => ({ ...one, inodes: 1_000_000, inodesFree: n < 0 ? 900_000 : 10_000 })) ?? [],
      }),
    want: ["inodes-nearly-full#disk-root major host/disk-full"],
  },
  {
    name: "a disk says that it fails",
    kind: "pos_terminal",
    evidence: () =>
      onHost(
        { says: { ...SCAN, "smartctl --json": smart(true, 0) } },
        { says: { "smartctl --json": smart(false, 8) } },
      ),
    want: ["disk-failing#disk-sda major host/disk-failing"],
  },
  {
    name: "a file system was made read-only",
    kind: "pos_terminal",
    evidence: () => onHost({ files: { ...FSTAB, ...mounts("rw") } }, { files: mounts("ro") }),
    want: ["file-system-read-only#disk-root major host/file-system-read-only"],
  },
  {
    name: "a clock is off by its time server's word",
    kind: "pos_terminal",
    evidence: () => onHost({ says: tracking("0.000010000") }, { says: tracking("-75.000000000") }),
    want: ["time-server-offset major host/clock-off"],
  },
  {
    name: "the plug was pulled, by the journal",
    kind: "pos_terminal",
    evidence: () => {
      const cut = onHost(
        {
          says: { "journalctl --boot=-1": '{"MESSAGE_ID":"39f53479d3a045ac8e11786248231fbf","UNIT":"cron.service"}\n' },
        },
        {},
      );
      return async (n) => {
        const samples = await cut(n);
        const uptime = { component: null, metrics: { uptime_seconds: (n + 21) * 60 } };
        return [...samples, uptime];
      };
    },
    want: ["unclean-shutdown minor host/unclean-shutdown"],
  },
  {
    name: "the POS program does not run",
    kind: "pos_terminal",
    evidence: () =>
      processes(
        (n) => (n < 0 ? [700] : []),
        () => 2e8,
      ),
    want: ["process-not-running#process-pos major host/process-down"],
  },
  {
    name: "the POS program is started again and again",
    kind: "pos_terminal",
    wellPolls: 40,
    evidence: () =>
      processes(
        (n) => [700 + Math.min(3, Math.max(0, n))],
        () => 2e8,
      ),
    want: ["process-restarting#process-pos minor pos-terminal/process-restarting"],
  },
  {
    name: "the POS program takes more and more memory",
    kind: "pos_terminal",
    ...DAY_OF_POLLS,
    evidence: () =>
      processes(
        () => [700],
        (n) => 3e8 + Math.max(0, n) * 25e6,
      ),
    want: ["process-leaking#process-pos minor pos-terminal/process-leaking"],
  },
  {
    name: "a service of the till is down",
    kind: "pos_terminal",
    evidence: () => onHost({ says: unit("active") }, { says: unit("failed") }),
    want: ["service-down#unit-pos major pos-terminal/service-down"],
  },
  {
    name: "an address is not renewed, and lost",
    kind: "pos_terminal",
    evidence: () => onHost({ says: address(600) }, { says: address(null) }),
    want: ["dhcp-lease-ending#port-enp3s0 major host/dhcp-lease-ending"],
  },
  {
    name: "an access point is hardly heard",
    kind: "pos_terminal",
    faultyPolls: 40,
    evidence: () => {
      const wireless = (dbm: number) => ({ "proc/net/wireless": `enp3s0: 0000   30.  ${dbm}.  -256  0 0 0 0 0 0\n` });
      const radio = { "sys/class/net/enp3s0/phy80211/index": "0\n" };
      return onHost({ files: { ...radio, ...wireless(-60) } }, { files: wireless(-80) });
    },
    want: ["wifi-weak#port-enp3s0 minor host/wifi-weak"],
  },
  {
    name: "a job waits in a print queue",
    kind: "receipt_printer",
    evidence: () => queue({ state: 4, reasons: ["none"], waitedSeconds: 400 }),
    want: ["queue-stuck minor spooler/queue-stuck"],
  },
  {
    name: "a print queue is stopped with a job behind it",
    kind: "receipt_printer",
    evidence: () => queue({ state: 5, reasons: ["paused"], waitedSeconds: 60 }),
    want: ["queue-stopped major spooler/queue-stopped"],
  },
  {
    name: "a certificate is about to end",
    kind: "host",
    everyMs: 20 * MINUTE_MS,
    evidence: async () => {
      const port = await tlsServer();
      const daysBefore = (days: number) => () => tried(port, true, new ManualClock(ENDS_AT_MS - days * DAY_MS));
      return reaching(daysBefore(60), daysBefore(5));
    },
    // The test's server signs for itself.
    want: [
      "certificate-untrusted#target-uplink minor host/certificate-untrusted",
      "certificate-ending#target-uplink minor host/certificate-ending",
    ],
  },
  {
    name: "the uplink is lost",
    kind: "host",
    evidence: async () => {
      const port = await portOf(createTcpServer());
      return reaching(
        () => tried(port, false, realClock),
        async () => {
          // The server is the first that the case has started.
          await ends.shift()?.();
          return await tried(port, false, realClock);
        },
      );
    },
    want: ["target-lost#target-uplink major host/target-lost"],
  },
  {
    name: "the uplink is slow",
    kind: "host",
    evidence: async () => {
      const port = await portOf(createTcpServer());
      return reaching(
        () => tried(port, false, slowClock(40)),
        () => tried(port, false, slowClock(1_500)),
      );
    },
    want: ["target-slow#target-uplink minor host/target-slow"],
  },
];

describe("from evidence to incident", () => {
  it.each(CASES)("$name", async ({ kind, evidence, want, everyMs = MINUTE_MS, wellPolls = 20, faultyPolls = 25 }) => {
    const opened = await incidents({ kind, everyMs, wellPolls, faultyPolls, evidence: await evidence() });
    expect(opened).toEqual(want);
  });
});
