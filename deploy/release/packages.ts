/**
 * npm packages for a machine that may be another than this one: which, by the lock file; from where, by this checkout's
 * node_modules or the registry, whose bytes are compared with the lock file's sum; and what of them is copied.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { ROOT } from "../bundle.ts";
import type { Target } from "./target.ts";

/** A download of Node is 60 MB. */
const DOWNLOAD_MS_MAX = 600_000;

const names = z.record(z.string(), z.string()).default({});
const words = z.union([z.array(z.string()), z.string().transform((word) => [word])]);
const entry = z.object({
  version: z.string().optional(),
  integrity: z.string().optional(),
  license: z.string().optional(),
  dependencies: names,
  optionalDependencies: names,
  os: words.optional(),
  cpu: words.optional(),
  libc: words.optional(),
});
type Entry = z.infer<typeof entry>;

/** A package at its place in the lock file, such as `node_modules/serialport`. */
export type LockedPackage = {
  readonly place: string;
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** As the lock file has it: `sha512-` and base64. */
  readonly integrity: string;
};

export type Lock = ReadonlyMap<string, Entry>;

export function readLock(): Lock {
  const text = readFileSync(join(ROOT, "package-lock.json"), "utf8");
  const { packages } = z.object({ packages: z.record(z.string(), entry) }).parse(JSON.parse(text));
  return new Map(Object.entries(packages));
}

/** `wanted` and everything that they need on `target`; those that are not for it are left out with what only they need. */
export function packagesFor(lock: Lock, wanted: readonly string[], target: Target): readonly LockedPackage[] {
  const found = new Map<string, LockedPackage>();
  const visit = (name: string, from: string, optional: boolean): void => {
    const place = placeOf(lock, name, from);
    const known = place === null ? undefined : lock.get(place);
    if (place === null || known === undefined) {
      if (optional) return;
      throw new Error(`${name}, which ${from || "the release"} needs, is not in the lock file`);
    }
    if (found.has(place) || !isFor(known, target)) return;
    found.set(place, locked(place, known));
    for (const next of Object.keys(known.dependencies)) visit(next, place, false);
    for (const next of Object.keys(known.optionalDependencies)) visit(next, place, true);
  };
  for (const name of wanted) visit(name, "", false);
  return [...found.values()].sort((a, b) => (a.place < b.place ? -1 : 1));
}

/** The package in whose folder a file is; null when it is one of ours. */
export function packageOfFile(lock: Lock, file: string): LockedPackage | null {
  const [path = ""] = file.split("?");
  const inside = relative(ROOT, path).replaceAll("\\", "/");
  const place = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(inside)?.[0];
  const known = place === undefined ? undefined : lock.get(place);
  return place === undefined || known === undefined ? null : locked(place, known);
}

/** Throws when the lock file has no such package. */
export function lockedAt(lock: Lock, place: string): LockedPackage {
  const known = lock.get(place);
  if (known === undefined) throw new Error(`${place} is not in the lock file`);
  return locked(place, known);
}

function locked(place: string, { version, integrity, license }: Entry): LockedPackage {
  if (version === undefined || integrity === undefined)
    throw new Error(`${place} has no version and sum in the lock file`);
  return { place, name: nameAt(place), version, license: license ?? "unknown", integrity };
}

const nameAt = (place: string): string => place.slice(place.lastIndexOf("node_modules/") + "node_modules/".length);

/** Where Node would find `name` from the package at `from`: beside it, or in a folder further out. */
function placeOf(lock: Lock, name: string, from: string): string | null {
  for (let folder = from; ; ) {
    const place = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
    if (lock.has(place)) return place;
    if (folder === "") return null;
    const out = folder.lastIndexOf("/node_modules/");
    folder = out === -1 ? "" : folder.slice(0, out);
  }
}

const isFor = ({ os, cpu, libc }: Entry, target: Target): boolean =>
  (os?.includes(target.os) ?? true) &&
  (cpu?.includes(target.cpu) ?? true) &&
  (libc === undefined || (target.libc !== null && libc.includes(target.libc)));

/** A folder with the package as it was published; downloaded once, when this checkout has it not. */
export async function folderOf(wanted: LockedPackage): Promise<string> {
  const installed = join(ROOT, wanted.place);
  if (existsSync(join(installed, "package.json"))) {
    const { version } = z
      .object({ version: z.string() })
      .parse(JSON.parse(readFileSync(join(installed, "package.json"), "utf8")));
    if (version === wanted.version) return installed;
  }
  const cache = join(ROOT, "node_modules/.cache/aislewatch-release");
  const folder = join(cache, `${wanted.name.replace("/", "+")}-${wanted.version}`);
  if (existsSync(folder)) return folder;
  const work = join(cache, `.${basename(folder)}-${process.pid}`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(join(work, "package"), { recursive: true });
  const npm = ["pack", `${wanted.name}@${wanted.version}`, "--ignore-scripts", "--pack-destination", work, "--silent"];
  await run("npm", npm);
  const [archive] = readdirSync(work).filter((name) => name.endsWith(".tgz"));
  if (archive === undefined) throw new Error(`npm pack ${wanted.name} left no archive`);
  const sum = `sha512-${createHash("sha512")
    .update(readFileSync(join(work, archive)))
    .digest("base64")}`;
  if (sum !== wanted.integrity)
    throw new Error(`${wanted.name}@${wanted.version} is not what the lock file names: ${sum}`);
  await run("tar", [
    "-xzf",
    join(work, archive),
    "-C",
    join(work, "package"),
    "--strip-components=1",
    "--no-same-owner",
  ]);
  renameSync(join(work, "package"), folder);
  rmSync(work, { recursive: true, force: true });
  return folder;
}

const run = (command: string, args: readonly string[]): Promise<unknown> =>
  promisify(execFile)(command, args, { cwd: ROOT, timeout: DOWNLOAD_MS_MAX });

/** Copies a package without what only its makers need, and without binaries for other machines. */
export async function copyPackage(wanted: LockedPackage, modules: string, target: Target): Promise<void> {
  const from = await folderOf(wanted);
  const to = join(modules, wanted.place.slice("node_modules/".length));
  cpSync(from, to, {
    recursive: true,
    dereference: true,
    filter: (file) => isNeeded(relative(from, file).replaceAll("\\", "/"), statSync(file).isDirectory(), target),
  });
}

function isNeeded(path: string, isFolder: boolean, { os, cpu, libc }: Target): boolean {
  const [top, second] = path.split("/");
  if (top === "node_modules") return path === "";
  if (top === "prebuilds" && second !== undefined && second !== `${os}-${cpu}`) return false;
  if (isFolder) return !["doc", "docs", "test", "vendor", "bin/doc", "musl_x64", "musl_arm64"].includes(path);
  if (libc === "glibc" && /musl/.test(path)) return false;
  return !/\.(map|d\.[cm]?ts|md|markdown|gyp|cc|cpp|c|h|lib)$/i.test(path) || /licen[cs]e|notice|copying/i.test(path);
}
