// Builds the NOC page when its sources are newer than what was built.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ROOT, step } from "./install.mjs";
import { pinnedNode } from "./launch.mjs";

const PAGE = join(ROOT, "collector", "page");
const BUILT = join(PAGE, "dist", "index.html");

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

export async function buildPage() {
  const sources = ["src", "public", "index.html", "vite.config.ts", "package.json"]
    .map((name) => join(PAGE, name))
    .filter(existsSync);
  if (existsSync(BUILT) && statSync(BUILT).mtimeMs >= Math.max(...sources.map(newest))) return 0;
  const vite = join(ROOT, "node_modules", "vite", "bin", "vite.js");
  return step("Building the page", pinnedNode(), [vite, "build"], { cwd: PAGE, shell: false });
}
