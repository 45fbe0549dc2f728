import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, it } from "vitest";

const KEEP_RUNNING = join(import.meta.dirname, "keep-running.mjs");
const FILE_BYTES_MAX = 10 * 2 ** 20;

const work = mkdtempSync(join(tmpdir(), "keep running-"));
const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** Keeps a program of these lines running, with a log of its own. */
function keep(name: string, lines: string) {
  const folder = join(work, name);
  mkdirSync(folder);
  const [program, log] = [join(folder, "program.mjs"), join(folder, "logs/program.log")];
  writeFileSync(program, lines);
  const child = spawn(process.execPath, [KEEP_RUNNING, "--log", log, "--", "--no-warnings", program, "run"], {
    cwd: folder,
    stdio: "ignore",
  });
  started.push(child);
  const code = new Promise<number | null>((done) => child.once("exit", done));
  const said = (): string => (existsSync(log) ? readFileSync(log, "utf8") : "");
  return { child, code, said, log, folder };
}

const STAYS = `
import { writeFileSync } from "node:fs";
process.on("disconnect", () => { writeFileSync("stopped", "in order"); process.exit(0); });
console.error("up", process.pid, ...process.argv.slice(2));
`;

it("keeps what the program says on both of its streams, and ends as it ended when nothing was wrong", async () => {
  const { code, said } = keep("asked", `console.log("one"); console.error("two", process.execArgv[0]);`);
  expect(await code).toBe(0);
  expect(said().split("\n").sort()).toEqual(["", "one", "two --no-warnings"]);
});

it("does not start a program again whose configuration is faulty", async () => {
  const { code, said } = keep("faulty", `console.error("line 1 is wrong"); process.exitCode = 2;`);
  expect(await code).toBe(2);
  expect(said()).toBe("line 1 is wrong\n");
});

it("starts a program again that crashed", { timeout: 60_000 }, async () => {
  const { said } = keep("crashed", `console.error("up"); process.exit(1);`);
  await expect.poll(() => said().match(/up\n/g)?.length).toBe(2);
  expect(JSON.parse(said().split("\n")[1] ?? "")).toMatchObject({
    event: "program_ended",
    code: 1,
    startAgainMs: 5_000,
  });
});

it.each(["SIGTERM", "SIGKILL"] as const)("ends its program in order when it gets %s", async (signal) => {
  const { child, code, said, folder } = keep(signal, STAYS);
  await expect.poll(said).toMatch(/^up \d+ run\n$/);
  child.kill(signal);
  expect(await code).toBe(signal === "SIGTERM" ? 0 : null);
  await expect.poll(() => existsSync(join(folder, "stopped"))).toBe(true);
});

it("bounds its log: five files, none above 10 MiB", { timeout: 60_000 }, async () => {
  const line = `"${"x".repeat(1_023)}\\n".repeat(1_024)`;
  const { code, log } = keep(
    "chatty",
    `import { writeSync } from "node:fs"; for (let n = 0; n < 70; n++) writeSync(2, ${line}); writeSync(2, "last\\n");`,
  );
  expect(await code).toBe(0);
  const files = [log, ...[1, 2, 3, 4].map((number) => `${log}.${number}`)];
  const bytes = files.map((file) => statSync(file).size);
  expect(Math.max(...bytes)).toBeLessThanOrEqual(FILE_BYTES_MAX);
  expect(Math.min(...bytes.slice(1))).toBeGreaterThan(FILE_BYTES_MAX - 2 ** 17);
  expect(existsSync(`${log}.5`)).toBe(false);
  expect(readFileSync(log, "utf8").endsWith("last\n")).toBe(true);
});

it("says how it is called", async () => {
  const child = spawn(process.execPath, [KEEP_RUNNING, "--log"], { stdio: "ignore" });
  expect(await new Promise((done) => child.once("exit", done))).toBe(1);
});
