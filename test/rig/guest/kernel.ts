/**
 * Debian's own kernel for guests, with the modules that one or the other needs. Fetched once by apt's ordinary client and
 * kept under node_modules/.cache; nothing is installed.
 */
import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../rig.ts";

const run = promisify(execFile);

/** What a guest whose root are the host's files cannot do without. */
export const HOST_FILES = ["virtio_pci", "9pnet_virtio", "9p"] as const;
/** Where a kernel package keeps what guests ask for and what that hangs on; the rest of it is hundreds of megabytes. */
const PARTS = [
  "drivers/usb",
  "drivers/hid",
  "drivers/virtio",
  "drivers/net/virtio_net.",
  "drivers/net/net_failover.",
  "net/core",
  "net/9p",
  "fs/9p",
  "fs/netfs",
  "fs/fscache",
  "fs/configfs",
  "fs/overlayfs",
  "fs/autofs",
  "drivers/nvme",
  "drivers/ata/libata.",
  "drivers/ata/ata_piix.",
  "drivers/scsi/scsi_",
  "drivers/scsi/sd_mod.",
  "block/t10-pi.",
  "lib/crc",
  "crypto",
];
/** What is unpacked is kept by what was wanted of it. */
const CACHE = join(
  ROOT,
  "node_modules/.cache",
  `guest-kernel-${createHash("sha256").update(PARTS.join()).digest("hex").slice(0, 8)}`,
);

export type Kernel = {
  readonly image: string;
  /** Paths of the modules, in the order in which they can be loaded. */
  readonly modules: readonly string[];
};

/** The kernel that Debian has now, or else the one that is here from before; null when there is neither. */
export function kernelName(): string | null {
  const { stdout } = spawnSync("apt-cache", ["depends", "linux-image-amd64"], { encoding: "utf8" });
  const known = /Depends: (linux-image-\S+)/.exec(stdout ?? "")?.[1];
  if (known !== undefined) return known;
  const kept = existsSync(CACHE) ? readdirSync(CACHE).filter((name) => name.startsWith("linux-image-")) : [];
  return kept.sort().at(-1) ?? null;
}

/** `wanted`: modules, in the order in which they are to be loaded; what they hang on comes before them. */
export async function kernel(wanted: readonly string[]): Promise<Kernel> {
  const name = kernelName();
  if (name === null) throw new Error("apt knows no linux-image-amd64: this is no Debian, or has no package lists");
  const folder = join(CACHE, name);
  if (!existsSync(folder)) await fetchKernel(name, folder);
  const version = only(join(folder, "lib/modules"));
  const modules = join(folder, "lib/modules", version);
  const order = loadOrder(readFileSync(join(modules, "modules.dep"), "utf8"), wanted);
  return {
    image: join(folder, "boot", only(join(folder, "boot"))),
    modules: order.map((path) => join(modules, path)),
  };
}

async function fetchKernel(name: string, folder: string): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const part = mkdtempSync(join(CACHE, "part-"));
  try {
    await run("apt-get", ["download", "-q", name], { cwd: part });
    const archive = join(part, only(part));
    const wanted = ["./boot/vmlinuz-*", ...PARTS.map((path) => `./lib/modules/*/kernel/${path}*`)];
    const tree = join(part, "tree");
    mkdirSync(tree);
    const unpack =
      'archive="$1"; tree="$2"; shift 2; dpkg --fsys-tarfile "$archive" | tar -x --wildcards -C "$tree" "$@"';
    await run("sh", ["-c", unpack, "sh", archive, tree, ...wanted]);
    rmSync(archive);
    // Debian 13 packs its modules; the guest's insmod does not unpack.
    await run("find", [tree, "-name", "*.ko.xz", "-exec", "xz", "-d", "{}", "+"]);
    await run("depmod", ["-b", tree, only(join(tree, "lib/modules"))]);
    renameSync(tree, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

/** From modules.dep (`a.ko: b.ko c.ko`, each depending on those to its right) to what can be loaded one by one. */
function loadOrder(dep: string, wanted: readonly string[]): string[] {
  const needs = new Map<string, { path: string; first: string[] }>();
  for (const line of dep.split("\n")) {
    const [path, first] = line.split(":");
    if (path === undefined || first === undefined) continue;
    needs.set(basename(path, ".ko"), { path, first: first.trim().split(" ").filter(Boolean).reverse() });
  }
  const order = new Set<string>();
  for (const name of wanted) {
    const found = needs.get(name);
    // Built into this kernel.
    if (found === undefined) continue;
    for (const path of [...found.first, found.path]) order.add(path);
  }
  return [...order];
}

function only(folder: string): string {
  const [name, ...more] = readdirSync(folder);
  if (name === undefined || more.length > 0) throw new Error(`${folder}: expected one entry`);
  return name;
}
