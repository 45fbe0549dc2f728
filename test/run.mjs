// `npm test`: installs what the tests need, then linters, type check, unit, system and browser tests. The last line is
// `N passed, N failed`. Without root it runs what it can and names what is missing; under CI a missing part fails.
// `npm test -- unit` (or lint, types, system, browser) runs one part; further words are passed to vitest.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
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
  // Containers, and what reads a compose file.
  "podman",
  "crun",
  "docker-compose",
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

/** A line for each test of a file that failed, and for a file that could not be run at all. */
function failuresOf({ name, status, message, assertionResults }) {
  const file = relative(ROOT, name);
  const tests = assertionResults.filter((test) => test.status === "failed");
  if (tests.length === 0) return status === "failed" ? [`${file}: ${firstLine(message)}`] : [];
  return tests.map((test) => `${file} > ${test.fullName}: ${firstLine(test.failureMessages[0])}`);
}

const firstLine = (text = "") => text.split("\n", 1)[0].slice(0, 300);

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
    const { numPassedTests, numPendingTests, numTotalTests, testResults } = JSON.parse(readFileSync(report, "utf8"));
    passed += numPassedTests;
    const failedHere = testResults.flatMap(failuresOf);
    failed += failedHere.length;
    failures.push(...failedHere);
    if (CI && numPendingTests > 0) {
      failed += numPendingTests;
      failures.push(`${numPendingTests} ${project} tests were skipped`);
    }
    // A file that can't be loaded, or an error outside of any test, fails no test and must fail the run.
    if (code !== 0 && failedHere.length === 0) {
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

// Last of all, so that also who sees only the end of a long log knows what to look at.
if (failures.length > 0) process.stdout.write(`\nFailed:\n${failures.map((line) => `  ${line}\n`).join("")}`);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
