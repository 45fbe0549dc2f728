/**
 * An agent with serial lines, a terminal server and a tap, of which some misbehave: what is wrong with one costs that
 * one. The serial process is stopped and killed for real, and goes with the agent, however that ends.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { zplOverSerial } from "../rig/devices.ts";
import {
  cleanUp,
  freePort,
  onCleanUp,
  type Program,
  startPeer,
  startProgram,
  tempFolder,
  waitFor,
} from "../rig/rig.ts";

const missing = ["socat", "ser2net", "ping"].filter((name) => spawnSync(name, ["-V"]).error !== undefined);
if (missing.length > 0 && process.env["CI"]) throw new Error(`missing: ${missing.join(", ")}`);
if (missing.length > 0) process.stderr.write(`lines.test.ts: left out, missing: ${missing.join(", ")}\n`);

afterAll(cleanUp);

type Health = {
  readonly state: string;
  readonly polls: number;
  readonly failures: number;
  readonly skippedTurns: number;
  readonly lastFailure: { readonly kind: string; readonly detail: string } | null;
};

/** An agent that looks each second, without a collector: what it does is in its status file. */
async function startAgentOf(devices: readonly string[]) {
  const folder = tempFolder();
  const config = join(folder, "agent.yaml");
  const head = `site: s1\nagent: a1\ncollector: { url: "mqtt://127.0.0.1:${await freePort()}" }\ndata: ./data\nevery: 1s\ndevices:\n`;
  writeFileSync(config, head + devices.map((device) => `  - ${device}\n`).join(""));
  const program = await startProgram("agent/main.ts", ["run", "--config", config, "--log-format", "text"]);
  const health = (id: string): Health | null => {
    const path = join(folder, "data/status.json");
    if (!existsSync(path)) return null;
    const status = JSON.parse(readFileSync(path, "utf8")) as { devices: { id: string; health: Health }[] };
    return status.devices.find((device) => device.id === id)?.health ?? null;
  };
  return { program, health };
}

const serialDevice = (id: string, path: string, driver = "zpl"): string =>
  `{ id: ${id}, kind: label_printer, driver: ${driver}, line: { serial: ${JSON.stringify(path)} } }`;

/** The serial process of an agent: its only child. */
function childOf({ pid }: Program): number | null {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").trim().split(/\s+/).map(Number);
  return children.find((child) => textOf(`/proc/${child}/cmdline`).includes("serial-child")) ?? null;
}
const textOf = (path: string): string => {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
};
const isGone = (pid: number): boolean => !existsSync(`/proc/${pid}`);
const zombiesOf = ({ pid }: Program): number =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => new RegExp(`\\) Z ${pid} `).test(textOf(`/proc/${name}/stat`))).length;

describe.runIf(missing.length === 0)("lines of an agent", () => {
  it("keeps its pace with all others while one port floods, and leaves that one alone", async () => {
    const well = [await zplOverSerial(), await zplOverSerial()];
    const path = join(tempFolder(), "flood");
    await startPeer("socat", [`PTY,link=${path},raw,echo=0`, "SYSTEM:cat /dev/zero"]);
    await waitFor("the flooding port", () => existsSync(path));
    const { health } = await startAgentOf([
      ...well.map((printer, n) => serialDevice(`well-${n}`, printer.path)),
      serialDevice("flood", path),
    ]);
    const told = await waitFor("the flood to be told", () => {
      const flood = health("flood");
      return flood?.lastFailure?.detail.includes("left alone") === true ? flood : null;
    });
    expect(told).toMatchObject({ state: "down", lastFailure: { kind: "protocol" } });
    expect(told.lastFailure?.detail).toMatch(/more than \d+ bytes .*check the baud rate/);
    const seen = () => well.map((_, n) => ({ polls: 0, failures: 0, ...health(`well-${n}`) }));
    // The printers are of this process: one that stands still in the midst of a reply, with all of the machine, is no fault
    // of the flood, which would be there in every ten polls.
    let [before, after] = [seen(), seen()];
    for (let tries = 0; tries < 3; tries++) {
      before = seen();
      await waitFor("ten polls of each", () => seen().every(({ polls }, n) => polls >= (before[n]?.polls ?? 0) + 10));
      after = seen();
      if (after.every(({ failures }, n) => failures === before[n]?.failures)) break;
    }
    expect(after.map(({ failures }) => failures)).toEqual(before.map(({ failures }) => failures));
    for (const one of after) expect(one).toMatchObject({ state: "up", skippedTurns: 0 });
  });

  // The others at the same time, but not beside a flood.
  it.concurrent("goes on when its serial process hangs or dies, and takes it along when it ends", async () => {
    const printers = [await zplOverSerial(), await zplOverSerial()];
    const { program, health } = await startAgentOf(printers.map(({ path }, n) => serialDevice(`p-${n}`, path)));
    const first = await waitFor("the serial process", () => childOf(program));
    for (const signal of ["SIGSTOP", "SIGKILL"] as const) {
      const pid = await waitFor("the serial process", () => childOf(program));
      process.kill(pid, signal);
      const polls = printers.map((_, n) => health(`p-${n}`)?.polls ?? 0);
      await waitFor(`another serial process after ${signal}`, () => {
        const now = childOf(program);
        return now !== null && now !== pid;
      });
      await waitFor("both printers to be up", () =>
        printers.every((_, n) => {
          const now = health(`p-${n}`);
          return now?.state === "up" && now.polls > (polls[n] ?? 0) + 2;
        }),
      );
      await waitFor("the old process to be gone", () => isGone(pid));
    }
    expect([isGone(first), zombiesOf(program)]).toEqual([true, 0]);
    expect(program.output()).toMatch(/serial_process_lost.*hung[\s\S]*serial_process_lost.*ended/);
    const last = await waitFor("the serial process", () => childOf(program));
    expect(await program.stop()).toBe(0);
    expect(isGone(last)).toBe(true);
  });

  it.concurrent("leaves no serial process behind when it is killed, and starts none without a serial line", async () => {
    const printer = await zplOverSerial();
    const { program } = await startAgentOf([serialDevice("p", printer.path)]);
    const pid = await waitFor("the serial process", () => childOf(program));
    await program.kill();
    await waitFor("the serial process to end", () => isGone(pid));
    const other = await startAgentOf(["{ id: h, kind: host, driver: presence, host: 127.0.0.1 }"]);
    await waitFor("an echo", () => other.health("h")?.state === "up");
    expect(childOf(other.program)).toBeNull();
  });

  it.concurrent("reads a printer behind a terminal server, and only counts what it hears on a tap", async () => {
    const printer = await zplOverSerial();
    const folder = tempFolder();
    const port = await freePort();
    writeFileSync(
      join(folder, "ser2net.yaml"),
      `%YAML 1.1\n---\nconnection: &c\n  accepter: telnet(rfc2217),tcp,127.0.0.1,${port}\n  connector: serialdev(nouucplock),${printer.path},1200n81,local\n`,
    );
    await startPeer("ser2net", ["-n", "-d", "-c", join(folder, "ser2net.yaml"), "-P", join(folder, "pid")]);
    const mirror = createServer((socket) => {
      socket.on("error", () => {});
      const timer = setInterval(() => socket.write("4006381333931\r"), 100);
      socket.on("close", () => clearInterval(timer));
    });
    const tapPort = await freePort();
    await new Promise<void>((resolve) => mirror.listen(tapPort, "127.0.0.1", resolve));
    onCleanUp(() => new Promise<void>((resolve) => mirror.close(() => resolve())));
    const { program, health } = await startAgentOf([
      `{ id: printer, kind: label_printer, driver: zpl, line: { rfc2217: "127.0.0.1:${port}" } }`,
      `{ id: scanner, kind: barcode_scanner, driver: tap, line: { tcp: "127.0.0.1:${tapPort}" }, terminator: cr }`,
      "{ id: pin-pad, kind: payment_terminal, driver: presence, host: 127.0.0.1 }",
    ]);
    for (const id of ["printer", "scanner", "pin-pad"]) {
      await waitFor(`three answers of ${id}`, () => {
        const now = health(id);
        return now?.state === "up" && now.polls >= 3;
      });
    }
    expect(program.output()).not.toContain("4006381333931");
    expect(await program.stop()).toBe(0);
  });
});
