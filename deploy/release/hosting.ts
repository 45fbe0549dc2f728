/** What an archive has beside its programs, for those who keep them running: a container's files, or a Windows service's. */
import { copyFileSync, cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../bundle.ts";
import type { Target } from "./target.ts";
import type { Product } from "./tree.ts";

const CONTAINERFILES: Readonly<Record<Product, string>> = {
  aislewatch: "collector.Containerfile",
  "aislewatch-agent": "agent.Containerfile",
};

export function addHosting({ product, target, folder }: { product: Product; target: Target; folder: string }): void {
  if (target.os === "win32") {
    cpSync(join(ROOT, "deploy/windows"), join(folder, "service"), { recursive: true, filter: isShipped });
    return;
  }
  const from = join(ROOT, "deploy/containers");
  const to = join(folder, "containers");
  mkdirSync(to);
  copyFileSync(join(from, CONTAINERFILES[product]), join(to, "Containerfile"));
  if (product === "aislewatch-agent") return;
  for (const name of ["compose.yaml", "etc", "healthy.mjs"])
    cpSync(join(from, name), join(to, name), { recursive: true });
}

const isShipped = (path: string): boolean => !path.endsWith(".test.ts");
