// `npm start`: installs, builds, and runs the demo: collector, page, an agent on this host and a store of demo devices.
// Plain JavaScript for any Node from 20 on; everything after the installation runs under the pinned Node 24.
import { join } from "node:path";
import { installPackages, ROOT } from "./install.mjs";

const installed = await installPackages();
if (installed !== 0) process.exit(installed);

const { buildPage } = await import("./page.mjs");
const built = await buildPage();
if (built !== 0) process.exit(built);

// npm does not pass SIGTERM on and dies alone, so when our parent changes we end as well.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, "SIGTERM");
}, 500).unref();

const { launch } = await import("./launch.mjs");
launch(join(ROOT, "packages", "cli", "main.ts"), ["demo", "run", ...process.argv.slice(2)]);
