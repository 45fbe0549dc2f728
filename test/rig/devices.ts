/** Peers that stand for hardware in system tests. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { realClock } from "@aislewatch/runtime";
import {
  bringToLife,
  type LiveDevice,
  labelPrinter,
  seededRandom,
  startSerialDevice,
  startSnmpDevice,
  startTcpDevice,
  zplDialogue,
} from "@aislewatch/simulator";
import { freeUdpPort, onCleanUp, RECORDINGS, startPeer, tempFolder, waitFor } from "./rig.ts";

export type Breakable = {
  fault(name: "media-low" | "media-out" | "head-open" | "ribbon-out" | "paused"): void;
  heal(): void;
};

const identity = {
  name: "bakery-1",
  model: "ZD421-203dpi",
  serial: "D8J0042",
  firmware: "V93.21.07Z",
  location: "Bakery",
};

/** A label printer that answers `~HS` on a TCP port. */
export async function zplOverTcp(): Promise<Breakable & { port: number }> {
  const { device, random } = printer();
  const started = await startTcpDevice({
    dialogue: zplDialogue({ identity, device }),
    clock: realClock,
    random,
    address: "127.0.0.1",
    port: 0,
  });
  if (!started.ok) throw new Error(started.error.detail);
  onCleanUp(() => started.value.stop());
  return { port: Number(started.value.line), ...breakable(device) };
}

/** One that answers SNMP v2c, community `public`: it tells how much is left on the roll. */
export async function zebraOverSnmp(): Promise<Breakable & { port: number }> {
  const { device, random } = printer();
  const started = await startSnmpDevice({
    address: "127.0.0.1",
    port: 0,
    community: "public",
    users: [],
    engineId: Buffer.from("8000000001020304", "hex"),
    view: () => device.tree(),
    clock: realClock,
    random,
  });
  if (!started.ok) throw new Error(`no port for the printer: ${JSON.stringify(started.error)}`);
  onCleanUp(() => started.value.stop());
  return { port: started.value.port, ...breakable(device) };
}

/** One that answers `~HS` behind a socat pty, for the real serialport binding. `path` is the agent's end. */
export async function zplOverSerial(): Promise<Breakable & { path: string }> {
  const folder = tempFolder();
  const [ours, theirs] = [join(folder, "printer"), join(folder, "ttyLABEL")];
  const socat = await startPeer("socat", [`pty,rawer,link=${ours}`, `pty,rawer,link=${theirs}`]);
  await waitFor("socat's ptys", () => existsSync(ours) && existsSync(theirs)).catch((thrown) => {
    throw new Error(`${String(thrown)} ${socat.output()}`);
  });
  const { device, random } = printer();
  const started = await startSerialDevice({
    dialogue: zplDialogue({ identity, device }),
    clock: realClock,
    random,
    path: ours,
  });
  if (!started.ok) throw new Error(started.error.detail);
  onCleanUp(() => started.value.stop());
  return { path: theirs, ...breakable(device) };
}

function printer() {
  const random = seededRandom(7);
  return { device: bringToLife(labelPrinter(identity), realClock, random), random };
}

function breakable(device: Pick<LiveDevice, "fault" | "heal" | "activeFaults">): Breakable {
  return {
    fault(name) {
      if (!device.fault(name)) throw new Error(`the printer knows no fault ${name}`);
    },
    heal() {
      for (const name of device.activeFaults()) device.heal(name);
    },
  };
}

export const V3 = { user: "aisle", auth: "correct-horse-auth", privacy: "correct-horse-priv" } as const;

/** Net-SNMP's agent, for this very host: v2c community `public` and a v3 user with SHA and AES. */
export async function startSnmpd(address: "127.0.0.1" | "::1" = "127.0.0.1"): Promise<{ port: number }> {
  const folder = tempFolder();
  const port = await freeUdpPort();
  const config = join(folder, "snmpd.conf");
  const persistent = join(folder, "persistent");
  mkdirSync(persistent);
  writeFileSync(
    config,
    [
      `agentaddress ${address === "::1" ? "udp6:[::1]" : "udp:127.0.0.1"}:${port}`,
      "rocommunity public 127.0.0.1",
      "rocommunity6 public ::1",
      `createUser ${V3.user} SHA "${V3.auth}" AES "${V3.privacy}"`,
      `rouser ${V3.user} priv`,
      "sysName till-7",
      "sysLocation checkout",
      "proc sh",
      "",
    ].join("\n"),
  );
  const snmpd = await startPeer("/usr/sbin/snmpd", ["-f", "-Lo", "-C", "-c", config, "-I", "-smux"], {
    cwd: folder,
    env: { SNMP_PERSISTENT_DIR: persistent },
  });
  await waitFor("snmpd", () => snmpd.output().includes("NET-SNMP version")).catch((thrown) => {
    throw new Error(`${String(thrown)}\n${snmpd.output()}`);
  });
  return { port };
}

/** snmpsimd with recordings of others, by name without ending; each answers to its name as community. */
export async function startSnmpsim(names: readonly string[]): Promise<{ port: number }> {
  const folder = tempFolder();
  const data = join(folder, "data");
  const cache = join(folder, "cache");
  for (const made of [data, cache]) mkdirSync(made, { mode: 0o777 });
  for (const name of names) {
    // A row whose OID the source redacted (`10.xx.xx.1`) ends snmpsimd.
    const rows = readFileSync(join(RECORDINGS, "snmprec", `${name}.snmprec`), "latin1").split("\n");
    const whole = rows.filter((row) => /^\.?[\d.]+\|\d+x?\|/.test(row));
    writeFileSync(join(data, `${name}.snmprec`), `${whole.join("\n")}\n`, { encoding: "latin1", mode: 0o644 });
  }
  for (const open of [folder, data, cache]) chmodSync(open, 0o777);
  const port = await freeUdpPort();
  const rights = process.getuid?.() === 0 ? ["--process-user=nobody", "--process-group=nogroup"] : [];
  const simulator = await startPeer("snmpsimd", [
    `--agent-udpv4-endpoint=127.0.0.1:${port}`,
    `--data-dir=${data}`,
    `--cache-dir=${cache}`,
    ...rights,
    "--logging-method=stderr",
  ]);
  await waitFor("snmpsimd", () => simulator.output().includes("Listening at")).catch((thrown) => {
    throw new Error(`${String(thrown)}\n${simulator.output()}`);
  });
  return { port };
}

/** A label printer that answers `~HS` on a TCP port while it has power, at the same port each time. */
export async function zplWithPower(): Promise<{ readonly port: number; on(): Promise<void>; off(): Promise<void> }> {
  const { device, random } = printer();
  let port = 0;
  let stop: (() => Promise<void>) | null = null;
  async function on(): Promise<void> {
    const dialogue = zplDialogue({ identity, device });
    const started = await startTcpDevice({ dialogue, clock: realClock, random, address: "127.0.0.1", port });
    if (!started.ok) throw new Error(started.error.detail);
    port = Number(started.value.line);
    stop = started.value.stop;
  }
  async function off(): Promise<void> {
    await stop?.();
    stop = null;
  }
  await on();
  onCleanUp(off);
  return { port, on, off };
}
