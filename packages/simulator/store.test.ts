import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "@aislewatch/base";
import { isDeviceId } from "@aislewatch/contract";
import { KINDS } from "@aislewatch/devices";
import snmp from "net-snmp";
import { afterEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { agentYaml } from "./agent-yaml.ts";
import { type DemoRequest, demoControl, startControl } from "./control.ts";
import { DEMO_V3_USER, type DemoStoreOptions } from "./demo-devices.ts";
import { seededRandom } from "./random.ts";
import { type Act, DEMO_TIMETABLE, playScenario, ROUND_SECONDS } from "./scenario.ts";
import { type DemoStore, startDemoStore } from "./store.ts";

const CREDENTIALS = {
  authPassword: "auth password",
  privPassword: "priv password",
  authPasswordRef: "file:auth",
  privPasswordRef: "file:priv",
};
/** Long enough for any answer on loopback. */
const SILENCE_MS = 200;
const ending: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

async function demo(options: Partial<DemoStoreOptions> = {}): Promise<DemoStore & { clock: ManualClock }> {
  const clock = new ManualClock();
  const usbFolder = await folder();
  const always = { clock, random: seededRandom(2), credentials: CREDENTIALS, usbFolder };
  const started = await startDemoStore({ ...always, ...options });
  if (!started.ok) throw new Error(started.error.detail);
  ending.push(() => started.value.stop());
  return { ...started.value, clock };
}

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "demo-"));
  ending.push(() => rm(path, { recursive: true }));
  return path;
}

/** sysName of a device as the store's own agentConfig says to ask, or the error. */
function sysName(store: DemoStore, id: string, timeoutMs = 2_000): Promise<string> {
  const config = store.devices.find((device) => device.id === id)?.agentConfig ?? {};
  const [host, port] = String(config["address"]).split(":");
  const options = { port: Number(port), timeout: timeoutMs, retries: 0 };
  const session =
    config["version"] === "3"
      ? snmp.createV3Session(
          String(host),
          {
            name: DEMO_V3_USER,
            level: snmp.SecurityLevel.authPriv,
            authProtocol: snmp.AuthProtocols.sha256,
            authKey: CREDENTIALS.authPassword,
            privProtocol: snmp.PrivProtocols.aes,
            privKey: CREDENTIALS.privPassword,
          },
          { ...options, version: snmp.Version3 },
        )
      : snmp.createSession(String(host), "public", { ...options, version: snmp.Version2c });
  return new Promise((resolve) => {
    session.get(["1.3.6.1.2.1.1.5.0"], (error, varbinds) => {
      session.close();
      resolve(error === null ? String(varbinds?.[0]?.value) : error.name);
    });
  });
}

function tcpGreeting(store: DemoStore, id: string): Promise<string> {
  const line = store.devices.find((device) => device.id === id)?.agentConfig["line"];
  const port = Number(JSON.stringify(line).match(/:(\d+)"/)?.[1]);
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.destroy();
      resolve("connected");
    });
    socket.on("error", (error) => resolve("code" in error ? String(error.code) : error.message));
  });
}

/** Whether the unit answers a read of its first register. */
function modbusReply(store: DemoStore & { clock: ManualClock }, id: string): Promise<string> {
  const { line, unit } = store.devices.find((device) => device.id === id)?.agentConfig ?? {};
  const port = Number(JSON.stringify(line).match(/:(\d+)"/)?.[1]);
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(Buffer.from([0, 1, 0, 0, 0, 6, Number(unit), 4, 0, 0, 0, 1]));
      // The reply's pieces are paced by the store's own clock.
      const advance = setInterval(() => store.clock.advance(10), 1);
      const end = (said: string): void => {
        clearInterval(advance);
        socket.destroy();
        resolve(said);
      };
      socket.on("data", () => end("answer"));
      setTimeout(() => end("silence"), SILENCE_MS).unref();
    });
  });
}

describe("the demo store", () => {
  it("has the devices of a store, each with a valid id, kind and parent", async () => {
    const { devices } = await demo();
    const ids = devices.map(({ id }) => id);
    expect(ids).toEqual([
      "network/switch-1",
      ...[1, 2, 3, 4].flatMap((n) => [
        `lane-${n}/pos`,
        `lane-${n}/receipt-printer`,
        `lane-${n}/scale`,
        `lane-${n}/scanner`,
      ]),
      "receiving/label-printer",
      "receiving/conveyor",
      "receiving/incline-drive",
      "bakery/label-printer",
      "back-office/printer",
      "back-office/ups",
      "service-desk/receipt-printer",
      "service-desk/scanner",
    ]);
    for (const device of devices) {
      expect(isDeviceId(device.id) && KINDS.includes(device.kind)).toBe(true);
      expect(device.dependsOn.every((parent) => ids.includes(parent))).toBe(true);
      expect(Object.keys(device.faults)).toContain(device.driver === "usb" ? "unplugged" : "dead");
    }
  });

  it("answers SNMP v2c and v3 where agentConfig says", async () => {
    const store = await demo();
    const versions = store.devices.map(({ agentConfig }) => agentConfig["version"]);
    expect(versions.filter((version) => version === "3")).toHaveLength(1);
    const snmpDevices = store.devices.filter(({ driver }) => driver === "snmp").map(({ id }) => id);
    for (const id of snmpDevices) expect(await sysName(store, id)).not.toContain("Error");
  });

  it("silences everything behind a dead switch, and only that, until the switch is healed", async () => {
    const store = await demo();
    await store.fault("network/switch-1", "dead");
    const unreachable = store.state().filter((status) => status.unreachable);
    expect(unreachable.map(({ device }) => device).sort()).toEqual([
      "back-office/printer",
      "bakery/label-printer",
      ...[1, 2, 3, 4].flatMap((n) => [
        `lane-${n}/pos`,
        `lane-${n}/receipt-printer`,
        `lane-${n}/scale`,
        `lane-${n}/scanner`,
      ]),
      "receiving/conveyor",
      "receiving/incline-drive",
      "receiving/label-printer",
    ]);
    expect(await sysName(store, "lane-1/pos", 200)).toBe("RequestTimedOutError");
    expect(await sysName(store, "network/switch-1", 200)).toBe("RequestTimedOutError");
    expect(await tcpGreeting(store, "bakery/label-printer")).toBe("ECONNREFUSED");
    expect(await sysName(store, "back-office/ups")).toBe("ups-cabinet");
    await store.heal("network/switch-1", "all");
    expect(await sysName(store, "lane-1/pos")).toBe("lane-1-pos");
    expect(await tcpGreeting(store, "bakery/label-printer")).toBe("connected");
  });

  it("keeps a device silent that is dead itself when its switch comes back", async () => {
    const store = await demo();
    await store.fault("lane-1/pos", "dead");
    await store.fault("network/switch-1", "dead");
    await store.heal("network/switch-1", "dead");
    expect(await sysName(store, "lane-1/pos", 200)).toBe("RequestTimedOutError");
    expect(store.faults("lane-1/pos")).toEqual({ ok: true, value: ["dead"] });
  });

  it("silences one unit of a bus and goes on with the other, and closes the bus when nobody is left", async () => {
    const store = await demo();
    await store.fault("receiving/conveyor", "dead");
    expect(await modbusReply(store, "receiving/incline-drive")).toBe("answer");
    expect(await modbusReply(store, "receiving/conveyor")).toBe("silence");
    await store.fault("receiving/incline-drive", "dead");
    expect(await tcpGreeting(store, "receiving/incline-drive")).toBe("ECONNREFUSED");
    await store.heal("receiving/conveyor", "dead");
    expect(await modbusReply(store, "receiving/conveyor")).toBe("answer");
  });

  it("keeps its USB devices in a tree of sysfs's shape, and does there what its faults say", async () => {
    const usbFolder = await folder();
    const store = await demo({ usbFolder });
    const read = (file: string) => readFileSync(join(usbFolder, "bus/usb/devices", file), "utf8").trim();
    const isThere = () => existsSync(join(usbFolder, "bus/usb/devices/1-3"));
    const scanner = "service-desk/scanner";
    expect(store.devices.find(({ id }) => id === scanner)?.agentConfig).toMatchObject({
      match: { id: "05f9:2206", port: "1-3" },
      sysfs: usbFolder,
    });

    await store.fault(scanner, "flapping");
    const before = Number(read("1-3/devnum"));
    store.clock.advance(20_000);
    expect(Number(read("1-3/devnum"))).toBe(before + 2);
    await store.heal(scanner, "flapping");
    store.clock.advance(60_000);
    expect(Number(read("1-3/devnum"))).toBe(before + 2);

    await store.fault(scanner, "over-current");
    expect([read("usb1/1-0:1.0/usb1-port3/over_current_count"), isThere()]).toEqual(["1", false]);
    await store.heal(scanner, "all");
    await store.fault(scanner, "wrong-mode");
    expect(read("1-3/idProduct")).toBe("4204");
    await store.fault(scanner, "power-refused");
    expect([read("1-3/idProduct"), read("1-3/bConfigurationValue")]).toEqual(["4204", ""]);
    await store.fault(scanner, "unplugged");
    expect(isThere()).toBe(false);
    await store.heal(scanner, "all");
    expect([read("1-3/idProduct"), read("1-3/bConfigurationValue")]).toEqual(["2206", "1"]);
  });

  it("has no USB devices where there is no place for them", async () => {
    expect((await demo({ usbFolder: null })).devices.filter(({ driver }) => driver === "usb")).toEqual([]);
  });

  it("offers no fault that the device's dialect has no words for, and plays none", async () => {
    const store = await demo();
    const knows = (id: string) => Object.keys(store.devices.find((device) => device.id === id)?.faults ?? {});
    expect(knows("lane-1/scale")).not.toContain("calibration-lost");
    expect(knows("lane-3/scale")).toContain("calibration-lost");
    for (const done of [
      await store.fault("lane-1/scale", "calibration-lost"),
      await store.heal("lane-1/scale", "calibration-lost"),
    ])
      expect(done).toMatchObject({ ok: false, error: { code: "unknown_fault" } });
  });

  it("finds its ports again after a restart", async () => {
    const first = await demo();
    await first.stop();
    expect((await demo({ ports: first.ports })).ports).toEqual(first.ports);
  });

  it("takes other ports when its own are taken", async () => {
    const first = await demo();
    const second = await demo({ ports: first.ports });
    const taken = new Set(Object.values(first.ports));
    const tcp = second.ports["bakery/label-printer"] ?? 0;
    expect(tcp).not.toBe(first.ports["bakery/label-printer"]);
    expect(Object.entries(second.ports).filter(([id, port]) => first.ports[id] === port)).toEqual([]);
    // Two units of one bus share a port.
    expect(taken.size).toBe(Object.keys(first.ports).length - 1);
  });

  it.each([
    { device: "lane-1/poss", fault: "dead", text: 'Did you mean "lane-1/pos"?' },
    { device: "lane-1/pos", fault: "disk_ful", text: 'Did you mean "disk-full"?' },
    { device: "back-office/ups", fault: "zzz", text: "There is: mains-loss, battery-low, overload" },
  ])("says what there is instead of $device $fault", async ({ device, fault, text }) => {
    const result = await (await demo()).fault(device, fault);
    expect(result.ok ? "" : result.error.message).toContain(text);
  });

  it("writes an agent.yaml that lists every device and this host, and no password", async () => {
    const store = await demo();
    const options = { collectorUrl: "mqtt://127.0.0.1:1883", passwordRef: "file:secrets/agent", dataDir: "agent" };
    const text = agentYaml(store, options);
    const written = parse(text) as { site: string; devices: { id: string; driver: string; depends_on?: string[] }[] };
    expect(written.site).toBe("store-0042");
    expect(written.devices.map(({ id }) => id)).toEqual([
      "back-office/this-host",
      ...store.devices.map(({ id }) => id),
    ]);
    expect(written.devices.find(({ id }) => id === "lane-3/pos")?.depends_on).toEqual(["network/switch-1"]);
    expect(text).not.toContain(CREDENTIALS.authPassword);
  });
});

describe("the scenario", () => {
  const stage = () => {
    const played: string[] = [];
    const record = (verb: string) => async (device: string, fault: string) => {
      played.push(`${verb} ${device} ${fault}`);
      return { ok: true, value: undefined } as const;
    };
    return { played, store: { fault: record("fault"), heal: record("heal") } };
  };

  it("names only devices and faults that there are, in order of time, within the round", async () => {
    const store = await demo();
    for (const [i, act] of DEMO_TIMETABLE.entries()) {
      const device = store.devices.find(({ id }) => id === act.device);
      const known = [...Object.keys(device?.faults ?? {}), ...(act.do === "heal" ? ["all"] : [])];
      expect(known).toContain(act.fault);
      expect(act.atSeconds).toBeGreaterThanOrEqual(DEMO_TIMETABLE[i - 1]?.atSeconds ?? 0);
    }
    expect(DEMO_TIMETABLE.at(-1)?.atSeconds).toBeLessThan(ROUND_SECONDS);
    expect(DEMO_TIMETABLE[0]?.atSeconds).toBeLessThan(20);
  });

  it("leaves no fault behind at the end of a round", async () => {
    const store = await demo();
    const clock = new ManualClock();
    const scenario = playScenario({ clock, store });
    for (let second = 1; second < ROUND_SECONDS; second++) {
      clock.advance(1_000);
      await new Promise(setImmediate);
    }
    scenario.stop();
    expect(store.state().flatMap(({ faults }) => faults)).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("plays its timetable at its times, pauses, and begins again", () => {
    const clock = new ManualClock();
    const { played, store } = stage();
    const timetable: Act[] = [
      { atSeconds: 5, device: "a", do: "fault", fault: "x" },
      { atSeconds: 9, device: "a", do: "heal", fault: "x" },
    ];
    const scenario = playScenario({ clock, store, timetable, roundSeconds: 20 });
    clock.advance(4_999);
    expect(played).toEqual([]);
    clock.advance(5_000);
    expect(played).toEqual(["fault a x", "heal a x"]);
    clock.advance(15_000);
    expect(played).toHaveLength(2);
    clock.advance(1);
    expect(played).toHaveLength(3);
    scenario.stop();
    clock.advance(60_000);
    expect(played).toHaveLength(3);
  });

  it("leaves a device alone for ten minutes after a visitor touched it", () => {
    const clock = new ManualClock();
    const { played, store } = stage();
    const timetable: Act[] = [
      { atSeconds: 1, device: "a", do: "fault", fault: "x" },
      { atSeconds: 1, device: "b", do: "fault", fault: "y" },
    ];
    const scenario = playScenario({ clock, store, timetable, roundSeconds: 60 });
    scenario.handsOff("a");
    clock.advance(599_000);
    expect(new Set(played)).toEqual(new Set(["fault b y"]));
    clock.advance(60_000);
    expect(played).toContain("fault a x");
    scenario.stop();
  });
});

describe("the control line", () => {
  it("faults, lists and heals, and tells who was touched", async () => {
    const store = await demo();
    const path = await folder();
    const touched: string[] = [];
    const control = await startControl(path, store, (device) => touched.push(device));
    if (!control.ok) throw new Error(control.error.message);
    ending.push(() => control.value.stop());
    const faulted = await demoControl(path, { do: "fault", device: "lane-2/pos", fault: "cpu-high" });
    expect(faulted).toMatchObject({ ok: true, value: { devices: [{ device: "lane-2/pos", faults: ["cpu-high"] }] } });
    const listed = await demoControl(path, { do: "list" });
    expect(listed.ok ? listed.value.devices.length : 0).toBe(store.devices.length);
    expect(await demoControl(path, { do: "heal", device: "lane-2/pos", fault: "all" })).toMatchObject({
      ok: true,
      value: { devices: [{ faults: [] }] },
    });
    expect(touched).toEqual(["lane-2/pos", "lane-2/pos"]);
    expect(statSync(join(path, "control.json")).mode & 0o777).toBe(0o600);
    if (process.platform !== "win32") expect(statSync(join(path, "control.sock")).mode & 0o777).toBe(0o600);
  });

  it("answers a mistake with what there is", async () => {
    const store = await demo();
    const path = await folder();
    const control = await startControl(path, store);
    if (!control.ok) throw new Error(control.error.message);
    ending.push(() => control.value.stop());
    const result = await demoControl(path, { do: "fault", device: "lane2/pos", fault: "dead" });
    expect(result).toMatchObject({ ok: false, error: { code: "unknown_device" } });
    expect(result.ok ? "" : result.error.message).toContain('Did you mean "lane-2/pos"?');
  });

  it.each([
    { name: "no token", line: '{"do":"list"}', code: "refused" },
    { name: "no JSON", line: "hello", code: "protocol" },
    { name: "no such verb", line: '{"do":"explode","token":"T"}', code: "protocol" },
    { name: "no device", line: '{"do":"fault","token":"T","device":7}', code: "protocol" },
  ])("refuses $name and goes on", async ({ line, code }) => {
    const store = await demo();
    const path = await folder();
    const control = await startControl(path, store);
    if (!control.ok) throw new Error(control.error.message);
    ending.push(() => control.value.stop());
    const address = JSON.parse(readFileSync(join(path, "control.json"), "utf8")) as { path: string; token: string };
    const reply = await new Promise<string>((resolve) => {
      const socket = connect({ path: address.path }, () =>
        socket.write(`${line.replace('"T"', `"${address.token}"`)}\n`),
      );
      socket.on("data", (bytes) => {
        resolve(String(bytes));
        socket.destroy();
      });
    });
    expect(JSON.parse(reply)).toMatchObject({ ok: false, error: { code } });
    expect((await demoControl(path, { do: "list" })).ok).toBe(true);
  });

  it("says that no demo is running, and how to start one", async () => {
    const request: DemoRequest = { do: "list" };
    const path = await folder();
    const absent = await demoControl(path, request);
    expect(absent).toMatchObject({ ok: false, error: { code: "not_running" } });
    expect(absent.ok ? "" : absent.error.message).toContain("npm start");
    await writeFile(join(path, "control.json"), '{"path":"/nonexistent/control.sock","token":"x"}');
    expect(await demoControl(path, request)).toMatchObject({ ok: false, error: { code: "not_running" } });
  });
});
