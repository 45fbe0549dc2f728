/**
 * `.deb` packages of a release's files (deb(5), Debian Policy): the program in /usr/lib, what a person edits in
 * /etc/aislewatch and kept by upgrades, a service with a user of its own.
 */
import { execFile } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { ROOT } from "../bundle.ts";
import { makeTree, type Product, type TreeOrder } from "../release/tree.ts";
import { type Maintained, maintainerScripts } from "./maintain.ts";

type Described = Maintained & {
  readonly summary: string;
  readonly text: string;
  /** Files of deploy/debian/<product> that a person edits, in /etc/aislewatch. */
  readonly conffiles: readonly string[];
};

const DESCRIBED: Readonly<Record<Product, Described>> = {
  "aislewatch-agent": {
    summary: "watches the devices of a store",
    text: " Polls tills, printers, scanners, scales, conveyors and networks over SNMP,\n serial lines and USB, and sends what it reads to an Aislewatch collector.",
    unit: "aislewatch-agent.service",
    user: "aislewatch-agent",
    groups: ["dialout", "lp", "plugdev"],
    folders: ["/var/lib/aislewatch-agent", "/var/cache/aislewatch-agent"],
    secrets: ["/etc/aislewatch/agent-password"],
    conffiles: ["agent.yaml"],
  },
  aislewatch: {
    summary: "opens incidents for the devices of stores",
    text: " Judges what Aislewatch agents read by rules, opens incidents, keeps history\n and serves the page of an operations centre. Brings the command line and\n a demo.",
    unit: "aislewatch.service",
    user: "aislewatch",
    groups: [],
    folders: ["/var/lib/aislewatch", "/var/cache/aislewatch"],
    secrets: [],
    conffiles: ["collector.yaml", "sites.yaml"],
  },
};

/** glibc: Node's own need. libstdc++: that of Node and DuckDB. */
const DEPENDS = "libc6 (>= 2.28), libstdc++6 (>= 8), adduser, init-system-helpers (>= 1.54)";
const DPKG_MS_MAX = 600_000;

export type PackageOrder = Omit<TreeOrder, "folder"> & {
  /** An empty folder to work in. */
  readonly work: string;
  readonly file: string;
  readonly version: string;
  /** gzip's, 1 to 9; 0 does not compress. xz would take minutes for Node alone. */
  readonly level: number;
};

export async function makePackage({ product, target, epoch, work, file, version, level }: PackageOrder): Promise<void> {
  if (target.debian === null) throw new Error(`there is no Debian for ${target.name}`);
  const described = DESCRIBED[product];
  const home = join(work, "usr/lib", product);
  mkdirSync(home, { recursive: true });
  await makeTree({ product, target, folder: home, epoch });
  layOut(product, work, home, version, epoch);
  const from = join(ROOT, "deploy/debian", product);
  for (const name of described.conffiles) put(join(from, name), join(work, "etc/aislewatch", name));
  put(join(from, described.unit), join(work, "usr/lib/systemd/system", described.unit));
  const rules = `60-${product}.rules`;
  if (existsSync(join(from, rules))) put(join(from, rules), join(work, "usr/lib/udev/rules.d", rules));

  const files = join(work, "DEBIAN");
  mkdirSync(files);
  writeFileSync(join(files, "control"), control(product, target.debian, version, bytesOf(work)));
  writeFileSync(join(files, "conffiles"), described.conffiles.map((name) => `/etc/aislewatch/${name}\n`).join(""));
  for (const [name, script] of Object.entries(maintainerScripts(described)))
    writeFileSync(join(files, name), script, { mode: 0o755 });
  settle(work, epoch);
  const compression = level === 0 ? ["-Znone"] : ["-Zgzip", `-z${level}`];
  await promisify(execFile)("dpkg-deb", ["--root-owner-group", ...compression, "--build", work, file], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(epoch) },
    timeout: DPKG_MS_MAX,
  });
}

/** What stands elsewhere on Debian than in an archive. */
function layOut(product: Product, work: string, home: string, version: string, epoch: number): void {
  const doc = join(work, "usr/share/doc", product);
  mkdirSync(doc, { recursive: true });
  const ours = "Aislewatch is under the Apache License 2.0: /usr/share/common-licenses/Apache-2.0\n\n";
  writeFileSync(join(doc, "copyright"), ours + readFileSync(join(home, "THIRD-PARTY-LICENSES.txt"), "utf8"));
  const date = new Date(epoch * 1_000).toUTCString().replace("GMT", "+0000");
  const entry = `${product} (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- Aislewatch <aislewatch@localhost>  ${date}\n`;
  writeFileSync(join(doc, "changelog.gz"), gzipSync(entry, { level: 9 }));
  renameSync(join(home, "examples"), join(doc, "examples"));
  renameSync(join(home, "sbom.cdx.json"), join(doc, "sbom.cdx.json"));
  put(join(ROOT, "docs/install.md"), join(doc, "install.md"));
  mkdirSync(join(work, "usr/bin"), { recursive: true });
  symlinkSync(`../lib/${product}/bin/${product}`, join(work, "usr/bin", product));
}

function control(product: Product, architecture: string, version: string, bytes: number): string {
  const { summary, text } = DESCRIBED[product];
  return `Package: ${product}
Version: ${version}
Architecture: ${architecture}
Maintainer: Aislewatch <aislewatch@localhost>
Installed-Size: ${Math.ceil(bytes / 1_024)}
Depends: ${DEPENDS}
Section: net
Priority: optional
Description: ${summary}
${text}
`;
}

function put(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to);
}

function bytesOf(path: string): number {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}

/** Rights and times that depend on nothing of the machine that builds. */
function settle(folder: string, epoch: number): void {
  chmodSync(folder, 0o755);
  for (const one of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, one.name);
    if (one.isDirectory()) settle(path, epoch);
    else if (one.isFile()) chmodSync(path, (statSync(path).mode & 0o100) === 0 ? 0o644 : 0o755);
    lutimesSync(path, epoch, epoch);
  }
}
