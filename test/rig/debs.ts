/** The Debian packages of this checkout for this machine, as `npm run release` makes them but for compression. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makePackage } from "../../deploy/debian/package.ts";
import { TARGETS } from "../../deploy/release/target.ts";
import type { Product } from "../../deploy/release/tree.ts";

export const PRODUCTS = ["aislewatch", "aislewatch-agent"] as const satisfies readonly Product[];

/** Into `folder`: `PRODUCT_VERSION.deb` of both, in three to four seconds. The page must have been built. */
export async function buildDebs(folder: string, version: string): Promise<void> {
  const target = TARGETS.find(({ debian }) => debian === (process.arch === "arm64" ? "arm64" : "amd64"));
  if (target === undefined) throw new Error("no target for this machine");
  for (const product of PRODUCTS) {
    const work = join(folder, `${product}-${version}`);
    mkdirSync(work);
    const file = join(folder, `${product}_${version}.deb`);
    await makePackage({ product, target, epoch: 1_750_000_000, work, file, version, level: 0 });
    rmSync(work, { recursive: true });
  }
}
