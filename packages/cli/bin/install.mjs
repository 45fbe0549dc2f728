// Brings node_modules to what the lock file says, with progress, for `npm start` and `npm test` in a fresh clone.
// Plain JavaScript for any Node from 20 on.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url)).replace(/[\\/]$/, "");
const STAMP = join(ROOT, "node_modules", ".aislewatch-lock");
const WINDOWS = process.platform === "win32";

const lockHash = () =>
  createHash("sha256")
    .update(readFileSync(join(ROOT, "package-lock.json")))
    .digest("hex");

/** Runs one step, its output kept for the case that it fails; shows what is going on meanwhile. */
export function step(title, command, args, options = {}) {
  return new Promise((resolve) => {
    const started = Date.now();
    const tty = process.stderr.isTTY;
    const seconds = () => ((Date.now() - started) / 1000).toFixed(tty ? 0 : 1);
    const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], shell: WINDOWS, ...options });
    let output = "";
    const keep = (chunk) => {
      output = (output + chunk).slice(-20_000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    if (!tty) process.stderr.write(`${title} …\n`);
    const spin = tty ? setInterval(() => process.stderr.write(`\r${title} … ${seconds()} s `), 200) : null;
    const end = (code) => {
      if (spin !== null) clearInterval(spin);
      process.stderr.write(`${tty ? "\r" : ""}${title} … ${code === 0 ? "done" : "failed"} (${seconds()} s)\n`);
      if (code !== 0) process.stderr.write(`${output}\n`);
      resolve(code);
    };
    child.on("error", (error) => {
      output += error.message;
      end(1);
    });
    child.on("exit", (code) => end(code ?? 1));
  });
}

/** `npm ci` when node_modules is missing or of another lock file. */
export async function installPackages() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 20) {
    process.stderr.write(
      `Aislewatch needs Node 20 or newer to install itself; this is Node ${process.versions.node}.\n`,
    );
    return 2;
  }
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === lockHash()) return 0;
  const code = await step("Installing packages", WINDOWS ? "npm.cmd" : "npm", [
    "ci",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ]);
  if (code === 0) writeFileSync(STAMP, lockHash());
  return code;
}

/** Debian packages that are not there: installed when this is root on Debian, else named. Returns what is missing. */
export async function installDebianPackages(packages) {
  const missing = () =>
    packages.filter(
      (name) =>
        !spawnSync("dpkg-query", ["-W", "-f=$" + "{Status}", name], { encoding: "utf8" }).stdout?.includes(
          "install ok installed",
        ),
    );
  let wanted = missing();
  if (wanted.length === 0 || process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return wanted;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await step("Updating Debian's package lists", "apt-get", ["update", "-qq"], { env });
  await step(
    `Installing ${wanted.join(", ")}`,
    "apt-get",
    ["install", "-y", "-qq", "--no-install-recommends", ...wanted],
    { env },
  );
  wanted = missing();
  return wanted;
}
