// `npm test`: installs what the tests need, then linters, type check, unit, system and browser tests. The last line is
// `N passed, N failed`. Without root it runs what it can and names what is missing; under CI a missing part fails.
// `npm test -- unit` (or lint, types, system, browser) runs one part; further words are passed to vitest.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installDebianPackages, installPackages, ROOT } from "../packages/cli/bin/install.mjs";

const CI = Boolean(process.env.CI);
/** Real peers that the tests start themselves. */
const DEBIAN = [
  "snmp",
  "snmpd",
  "snmpsim",
  "socat",
  "strace",
  "ser2net",
  "iputils-ping",
  "nut-server",
  "cups-daemon",
  "cups-ipp-utils",
  "mosquitto",
  "mosquitto-clients",
  "python3-aiosmtpd",
  "chromium",
  "victoria-metrics",
  "influxdb",
  // promtool.
  "prometheus",
  // A clock that can be set for one program.
  "libfaketime",
  // A guest with USB hardware that is none.
  "qemu-system-x86",
  "busybox-static",
  "cpio",
  "kmod",
  // A machine on which Debian packages are installed, and who reads their units.
  "adduser",
  "curl",
  "iproute2",
  "systemd",
  // Archives for Windows.
  "zip",
  "unzip",
  // What disks say of their health.
  "smartmontools",
];
const PARTS = ["lint", "types", "unit", "system", "browser"];

const [wanted, ...rest] = process.argv.slice(2);
if (wanted !== undefined && !PARTS.includes(wanted)) {
  process.stderr.write(`unknown part "${wanted}": one of ${PARTS.join(", ")}\n`);
  process.exit(2);
}

let passed = 0;
let failed = 0;
const failures = [];

const installed = await installPackages();
if (installed !== 0) process.exit(installed);
const missing = process.platform === "linux" ? await installDebianPackages(DEBIAN) : DEBIAN;
if (missing.length > 0) {
  process.stderr.write(
    `\nMissing: ${missing.join(", ")}. Tests that need them are left out; as root: apt-get install ${missing.join(" ")}\n\n`,
  );
  if (CI) {
    failed++;
    failures.push(`packages missing: ${missing.join(", ")}`);
  }
}
const { pinnedNode } = await import("../packages/cli/bin/launch.mjs");
const { buildPage } = await import("../packages/cli/bin/page.mjs");

let running = null;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    running?.kill(signal);
    process.exitCode = 130;
  });
}

function run(title, program, args, env = {}) {
  process.stdout.write(`\n── ${title}\n`);
  return new Promise((resolve) => {
    running = spawn(
      pinnedNode(),
      ["--disable-warning=ExperimentalWarning", join(ROOT, "node_modules", program), ...args],
      {
        cwd: ROOT,
        stdio: "inherit",
        env: { ...process.env, AISLEWATCH_MISSING_PACKAGES: missing.join(","), ...env },
      },
    );
    running.on("exit", (code) => resolve(code ?? 1));
  });
}

async function check(title, program, args) {
  const code = await run(title, program, args);
  if (code === 0) passed++;
  else {
    failed++;
    failures.push(title);
  }
}

/** Tests wait for devices, timers and processes more than they compute: more files at a time than there are cores. */
const WORKERS = { unit: 3, system: 2, browser: 2 };

async function vitest(project) {
  const folder = mkdtempSync(join(tmpdir(), "aislewatch-test-"));
  const report = join(folder, "report.json");
  const args = [
    "run",
    "--project",
    project,
    `--maxWorkers=${WORKERS[project]}`,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...rest,
  ];
  const code = await run(`${project} tests`, "vitest/vitest.mjs", args);
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTotalTests } = JSON.parse(readFileSync(report, "utf8"));
    passed += numPassedTests;
    failed += numFailedTests;
    if (numFailedTests > 0) failures.push(`${project} tests`);
    if (CI && numPendingTests > 0) {
      failed += numPendingTests;
      failures.push(`${numPendingTests} ${project} tests were skipped`);
    }
    // A file that can't be loaded, or an error outside of any test, fails no test and must fail the run.
    if (code !== 0 && numFailedTests === 0) {
      failed++;
      failures.push(`${project}: vitest exited with ${code}`);
    }
    if (numTotalTests === 0) {
      failed++;
      failures.push(`${project}: no test ran`);
    }
  } catch {
    failed++;
    failures.push(`${project}: vitest left no report`);
  }
  rmSync(folder, { recursive: true, force: true });
}

const parts = wanted === undefined ? PARTS : [wanted];
if (parts.includes("lint")) {
  await check("linter and formatter", "@biomejs/biome/bin/biome", ["check", "--error-on-warnings", "."]);
  await check("import arrows", "dependency-cruiser/bin/dependency-cruiser.mjs", [
    "--config",
    ".dependency-cruiser.mjs",
    "packages",
    "agent",
    "collector",
    "test",
  ]);
}
if (parts.includes("types")) {
  await check("types", "typescript/bin/tsc", ["--noEmit"]);
  await check("types of the page", "typescript/bin/tsc", ["--noEmit", "-p", "collector/page"]);
}
if (parts.includes("unit")) await vitest("unit");
if (parts.includes("system") || parts.includes("browser")) {
  const built = await buildPage();
  if (built !== 0) {
    failed++;
    failures.push("the page does not build");
  }
}
if (parts.includes("system")) await vitest("system");
if (parts.includes("browser")) await vitest("browser");

if (failures.length > 0) process.stdout.write(`\nFailed: ${failures.join("; ")}\n`);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
