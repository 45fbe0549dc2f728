/** `npm start` as a visitor has it: one command, a link, a store that breaks and mends, and a Ctrl-C that leaves nothing. */
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cleanUp, freePort, onCleanUp, ROOT, runOnce, tempFolder, waitFor } from "../rig/rig.ts";

/** What a visitor was promised. */
const LIVE_MS_MAX = 15_000;
const STOP_MS_MAX = 5_000;
/** Twenty-five of the demo store, this host, and the agent itself. */
const DEVICES = 27;
const PROGRAMS = ["collector/main.ts", "packages/simulator/main.ts", "agent/main.ts"] as const;

type Demo = {
  readonly folder: string;
  readonly pid: number;
  said(): string;
  /** As a terminal does it: SIGINT to all that the command started. */
  ctrlC(): void;
  readonly ended: Promise<number | null>;
};

/** `npm start`'s own script, or with `npm` the whole command. */
function start(folder: string, args: readonly string[], { npm = false } = {}): Demo {
  const words = ["--folder", folder, "--no-scenario", ...args];
  const [command, before] = npm
    ? ["npm", ["start", "--"]]
    : [process.execPath, [join(ROOT, "packages/cli/bin/start.mjs")]];
  const child = spawn(command, [...before, ...words], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  const ended = new Promise<number | null>((done) => child.once("exit", (code) => done(code)));
  const pid = child.pid ?? 0;
  onCleanUp(async () => {
    for (const left of processesOf(folder)) left.kill();
    await ended;
  });
  return { folder, pid, said: () => text, ctrlC: () => process.kill(-pid, "SIGINT"), ended };
}

/** Every process that has this demo's folder on its command line, from the launcher to the three programs. */
function processesOf(folder: string): { pid: number; command: string; kill: () => void }[] {
  return execFileSync("ps", ["-ww", "-eo", "pid=,args="], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(folder))
    .map((line) => {
      const pid = Number.parseInt(line, 10);
      return { pid, command: line.trim(), kill: () => process.kill(pid, "SIGKILL") };
    });
}

const programOf = ({ folder }: Demo, script: string) =>
  processesOf(folder).find(({ command }) => command.includes(` ${join(ROOT, script)} `));

async function isUp(demo: Demo): Promise<string> {
  const link = await waitFor(
    `the link in ${demo.said()}`,
    () => /Open +(http:\S+\/session\/link\/\S+)/.exec(demo.said())?.[1],
  );
  return link;
}

/** GET below /api/v1 with the token that the demo left for the command line. */
async function api<T>({ folder }: Demo, path: string): Promise<T> {
  const { url, token } = JSON.parse(readFileSync(join(folder, "cli.json"), "utf8"));
  const answer = await fetch(`${url}/api/v1${path}`, { headers: { authorization: `Bearer ${token}` } });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()) as T;
}

type Incident = { id: string; rule: string; recoveredAt: number | null; subject: { device: string | null } };
const incidents = async (demo: Demo) => (await api<{ items: Incident[] }>(demo, "/incidents?state=all")).items;

const devicesUp = async (demo: Demo) =>
  (await api<{ state: string }[]>(demo, "/sites/store-0042/devices")).filter(({ state }) => state === "up").length;

const allLive = (demo: Demo) => waitFor("all devices", async () => (await devicesUp(demo)) === DEVICES);

const say = (demo: Demo, ...words: string[]) =>
  runOnce("packages/cli/main.ts", ["demo", ...words, "--folder", demo.folder]);

const nothingIsLeft = (demo: Demo) =>
  waitFor(
    `the end of ${processesOf(demo.folder)
      .map(({ command }) => command)
      .join("\n")}`,
    () => processesOf(demo.folder).length === 0,
  );

const ports = async () => ["--http", String(await freePort()), "--mqtt", String(await freePort())];

describe("the demo", () => {
  let demo: Demo;
  let link: string;

  beforeAll(async () => {
    demo = start(tempFolder(), await ports());
    link = await isUp(demo);
  });
  afterAll(cleanUp);

  it("shows its progress, one link, and all devices live within the promised time", async () => {
    const began = performance.now();
    await allLive(demo);
    const tookMs = performance.now() - began;
    process.stdout.write(`all devices live ${Math.round(tookMs)} ms after the link\n`);
    expect(tookMs).toBeLessThan(LIVE_MS_MAX);
    for (const step of ["collector", "demo store", "agent"]) expect(demo.said()).toContain(`Starting the ${step} …`);
    expect(demo.said().match(/session\/link/g)).toHaveLength(1);
    expect(demo.said()).not.toMatch(/warning|error|\bat .*:\d+:\d+/i);
  });

  it("signs in once by its link", async () => {
    const first = await fetch(link, { redirect: "manual" });
    expect([first.status, first.headers.get("location")]).toEqual([303, "/"]);
    expect((await fetch(link, { redirect: "manual" })).status).toBe(401);
  });

  // From here on at the same time. The shipped rules wait for half a minute and more, for whoever is just changing a roll.
  it.concurrent("lists its devices and what can break them", async () => {
    const listed = await say(demo, "list");
    expect(listed.code).toBe(0);
    expect(listed.stdout).toMatch(/^DEVICE +KIND +BROKEN BY +KNOWS\n/);
    expect(listed.stdout).toMatch(/^lane-4\/pos +pos_terminal +– +disk-full, cpu-high, process-down, dead$/m);
    const { stdout } = await say(demo, "list", "--json");
    expect(JSON.parse(stdout)).toHaveLength(DEVICES - 2);
  });

  it.concurrent.each([
    {
      name: "a device that is none",
      words: ["fault", "receiving/label-printr", "media-out"],
      says: /did you mean "receiving\/label-printer"\?/i,
    },
    {
      name: "a fault that is none",
      words: ["fault", "receiving/label-printer", "media-uot"],
      says: /did you mean "media-out"\?/i,
    },
    { name: "a fault to heal that is none", words: ["heal", "back-office/ups", "mains"], says: /mains-loss/ },
    { name: "no fault", words: ["fault", "back-office/ups"], says: /which device and which fault/ },
    { name: "an unknown command", words: ["brake", "back-office/ups"], says: /unknown command "brake"/ },
  ])("refuses $name, and says what there is", async ({ words, says }) => {
    const refused = await say(demo, ...words);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(says);
  });

  it.concurrent.each([
    { device: "receiving/label-printer", fault: "head-open", rule: "label-head-open" },
    { device: "lane-3/pos", fault: "process-down", rule: "process-not-running" },
    { device: "lane-4/scale", fault: "calibration-lost", rule: "scale-uncalibrated" },
    { device: "receiving/incline-drive", fault: "trip", rule: "drive-tripped" },
    { device: "service-desk/receipt-printer", fault: "unplugged", rule: "detached" },
    { device: "service-desk/scanner", fault: "wrong-mode", rule: "usb-mode" },
  ])("opens an incident for $fault at $device, which recovers when healed", async ({ device, fault, rule }) => {
    expect((await say(demo, "fault", device, fault)).code).toBe(0);
    const found = async () => (await incidents(demo)).find((one) => one.rule === rule && one.subject.device === device);
    const opened = await waitFor(`an incident of ${rule}`, found, 80_000);
    expect((await say(demo, "heal", device)).code).toBe(0);
    await waitFor("its recovery", async () => (await found())?.recoveredAt);
    expect(opened.id).toMatch(/^INC-/);
  });

  describe.concurrent("meanwhile", () => {
    describe("the demo's ports", { concurrent: false }, () => {
      /** Takes the port, unless another program has it already. */
      const take = (port: number) =>
        new Promise<void>((done) => {
          const server = createServer();
          server.once("error", () => done());
          server.listen(port, "127.0.0.1", () => done());
          onCleanUp(() => void server.close());
        });

      it("move to the next free one when the usual one is taken, and say so", async () => {
        await take(8080);
        await take(1883);
        const demo = start(tempFolder(), []);
        const link = await isUp(demo);
        for (const [port, what] of [
          ["8080", "page"],
          ["1883", "agents"],
        ])
          expect(demo.said()).toMatch(
            new RegExp(`Port ${port} \\(${what}\\) is used by another program; using \\d+\\.`),
          );
        expect(Number(new URL(link).port)).toBeGreaterThan(8080);
        await allLive(demo);
        demo.ctrlC();
        expect(await demo.ended).toBe(0);
      });

      it.each(["--http", "--mqtt"])(
        "named by the user with %s are not moved: a taken one ends the start",
        async (option) => {
          const port = await freePort();
          await take(port);
          const [other, free] = option === "--http" ? ["--mqtt", await freePort()] : ["--http", await freePort()];
          const demo = start(tempFolder(), [option, String(port), other, String(free)]);
          expect(await demo.ended).toBe(1);
          expect(demo.said()).toMatch(
            new RegExp(`^aislewatch: port ${port} \\(.+\\) is used by another program; name another`, "m"),
          );
          await nothingIsLeft(demo);
        },
      );

      it("that are none are refused before anything starts", async () => {
        const demo = start(tempFolder(), ["--http", "80800"]);
        expect(await demo.ended).toBe(2);
        expect(demo.said()).toContain('--http takes a port from 1 to 65535, not "80800"');
      });
    });

    describe("a demo that is ended from outside", { concurrent: false }, () => {
      it("leaves no program behind when its launcher is killed", async () => {
        const demo = start(tempFolder(), await ports());
        await isUp(demo);
        process.kill(demo.pid, "SIGKILL");
        await nothingIsLeft(demo);
      });

      it("leaves no program behind when npm is told to end", async () => {
        const demo = start(tempFolder(), await ports(), { npm: true });
        await isUp(demo);
        process.kill(demo.pid, "SIGTERM");
        await nothingIsLeft(demo);
      });

      it("ends in order when it is told to while it starts", async () => {
        const demo = start(tempFolder(), await ports());
        await waitFor("the first program", () => demo.said().includes("Starting the collector"));
        demo.ctrlC();
        expect(await demo.ended).toBe(0);
        await nothingIsLeft(demo);
      });
    });
  });

  it.each(PROGRAMS)("starts %s again when it was killed, and says so", async (script) => {
    const before = programOf(demo, script);
    before?.kill();
    const after = await waitFor("it to be back", () => {
      const now = programOf(demo, script);
      return now?.pid === before?.pid ? null : now;
    });
    expect(after.pid).not.toBe(before?.pid);
    expect(demo.said()).toMatch(/ended by itself \(SIGKILL\); starting it again in \d\.\d s/);
    await allLive(demo);
  });

  it("refuses to run twice in one folder", async () => {
    const second = start(demo.folder, await ports());
    expect(await second.ended).toBe(1);
    expect(second.said()).toMatch(/is in use|already runs|running/i);
    expect(second.said()).not.toMatch(/\bat .*:\d+:\d+/);
    await allLive(demo);
  });

  it("ends at Ctrl-C, quickly and whole, and keeps its data for the next start", async () => {
    const before = (await incidents(demo)).map(({ id }) => id);
    expect(before.length).toBeGreaterThan(0);
    expect(processesOf(demo.folder).length).toBeGreaterThanOrEqual(5);
    const began = performance.now();
    demo.ctrlC();
    expect(await demo.ended).toBe(0);
    expect(performance.now() - began).toBeLessThan(STOP_MS_MAX);
    expect(demo.said()).toMatch(/Stopping …\n$/);
    await nothingIsLeft(demo);

    const spent = link;
    demo = start(demo.folder, await ports());
    link = await isUp(demo);
    expect((await incidents(demo)).map(({ id }) => id)).toEqual(expect.arrayContaining(before));
    const old = new URL(spent).pathname;
    expect((await fetch(new URL(old, link), { redirect: "manual" })).status).toBe(401);
    await allLive(demo);
  });
});
