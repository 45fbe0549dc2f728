/**
 * `npm run release`: archives for each machine, Debian packages where dpkg is, and their sums. Exit codes: 0 made, 1 failed, 2 wrong words.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { errorText } from "@aislewatch/base";
import { buildPage } from "../../packages/cli/bin/page.mjs";
import { ROOT } from "../bundle.ts";
import { makePackage } from "../debian/package.ts";
import { archive, checksum } from "./archive.ts";
import { addHosting } from "./hosting.ts";
import { TARGETS, type Target } from "./target.ts";
import { makeTree, type Product, VERSION } from "./tree.ts";

const HELP = `Usage: npm run release [-- options]

  --target NAMES   ${TARGETS.map(({ name }) => name).join(", ")}; several with commas between (default: all)
  --out DIR        where the archives go (default: dist)
  --fast           compress little: for trying things out
`;

export const PRODUCTS: readonly Product[] = ["aislewatch", "aislewatch-agent"];

export type ReleaseOrder = {
  readonly targets: readonly Target[];
  readonly products: readonly Product[];
  readonly out: string;
  readonly level: number;
  /** Debian packages, too, of those machines that have a Debian. */
  readonly debian: boolean;
  readonly progress: (text: string) => void;
};

/** Makes the archives and SHA256SUMS in `out`; returns their files. */
export async function release({
  targets,
  products,
  out,
  level,
  debian,
  progress,
}: ReleaseOrder): Promise<readonly string[]> {
  if ((await buildPage()) !== 0) throw new Error("the page does not build");
  mkdirSync(out, { recursive: true });
  const epoch = epochOf();
  const made: string[] = [];
  const work = mkdtempSync(join(tmpdir(), "aislewatch-release-"));
  try {
    for (const target of targets) {
      for (const product of products) {
        const began = performance.now();
        const name = `${product}-${VERSION}-${target.name}`;
        const folder = join(work, name);
        await makeTree({ product, target, folder, epoch });
        addHosting({ product, target, folder });
        const file = join(out, `${name}${target.os === "win32" ? ".zip" : ".tar.gz"}`);
        await archive({ folder, file, epoch, level });
        rmSync(folder, { recursive: true });
        made.push(file);
        const seconds = ((performance.now() - began) / 1_000).toFixed(1);
        progress(`${basename(file)}  ${megabytes(file)}  (${seconds} s)`);
        if (target.debian === null || !debian) continue;
        const deb = join(out, `${product}_${VERSION}_${target.debian}.deb`);
        mkdirSync(folder);
        await makePackage({ product, target, epoch, work: folder, file: deb, version: VERSION, level });
        rmSync(folder, { recursive: true });
        made.push(deb);
        progress(`${basename(deb)}  ${megabytes(deb)}`);
      }
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const sums = await Promise.all(made.map(async (file) => `${await checksum(file)}  ${basename(file)}\n`));
  writeFileSync(join(out, "SHA256SUMS"), sums.join(""));
  return made;
}

const megabytes = (file: string): string => `${(statSync(file).size / 1e6).toFixed(1)} MB`;

/** The time that all files have: SOURCE_DATE_EPOCH (reproducible-builds.org), or that of the commit. */
function epochOf(): number {
  const named = process.env["SOURCE_DATE_EPOCH"];
  const text = named ?? execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: ROOT, encoding: "utf8" });
  const epoch = Number(text);
  if (!Number.isSafeInteger(epoch) || epoch < 0) throw new Error(`SOURCE_DATE_EPOCH is no number of seconds: ${text}`);
  return epoch;
}

function targetsOf(names: string | undefined): readonly Target[] | null {
  if (names === undefined) return TARGETS;
  const found = names.split(",").map((name) => TARGETS.find((target) => target.name === name.trim()));
  return found.every((target) => target !== undefined) ? found : null;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      target: { type: "string" },
      out: { type: "string", default: "dist" },
      fast: { type: "boolean", default: false },
      help: { type: "boolean", short: "h" },
    },
  });
  const targets = targetsOf(values.target);
  if (values.help || targets === null) {
    process.stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  const progress = (text: string): void => void process.stderr.write(`${text}\n`);
  await release({
    targets,
    products: PRODUCTS,
    out: resolve(values.out),
    level: values.fast ? 1 : 9,
    debian: existsSync("/usr/bin/dpkg-deb"),
    progress,
  });
  return 0;
}

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } catch (thrown) {
    process.stderr.write(`release: ${errorText(thrown)}\n`);
    process.exitCode = 1;
  }
  if (process.connected) process.disconnect();
}
