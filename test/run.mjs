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
  "zstd",
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

const running = new Set();
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    for (const child of running) child.kill(signal);
    process.exitCode = 130;
  });
}

const headline = (title) => process.stdout.write(`\n── ${title}\n`);

function start(program, args, stdio) {
  const child = spawn(
    pinnedNode(),
    ["--disable-warning=ExperimentalWarning", join(ROOT, "node_modules", program), ...args],
    { cwd: ROOT, stdio, env: { ...process.env, AISLEWATCH_MISSING_PACKAGES: missing.join(",") } },
  );
  running.add(child);
  const ended = new Promise((resolve) => child.on("close", (code) => resolve(code ?? 1)));
  void ended.then(() => running.delete(child));
  return { child, ended };
}

/** Checks run at the same time, each on one core or little more; what each said comes whole, in the order of this list. */
async function check(checks) {
  const started = checks.map(([title, program, args]) => {
    const { child, ended } = start(program, args, ["ignore", "pipe", "pipe"]);
    const said = [];
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => said.push(chunk));
    return { title, said, ended };
  });
  for (const { title, said, ended } of started) {
    const code = await ended;
    headline(title);
    process.stdout.write(Buffer.concat(said));
    if (code === 0) passed++;
    else {
      failed++;
      failures.push(title);
    }
  }
}

/**
 * Files at a time. Units wait more than they compute. Each of the others starts programs of its own: three at a time keep two
 * cores so busy that a poll of a quarter of a second is late now and then, and gain little.
 */
const WORKERS = { unit: 3, others: 2 };

/** A line for each test of a file that failed, and for a file that could not be run at all. */
function failuresOf({ name, status, message, assertionResults }) {
  const file = relative(ROOT, name);
  const tests = assertionResults.filter((test) => test.status === "failed");
  if (tests.length === 0) return status === "failed" ? [`${file}: ${firstLine(message)}`] : [];
  return tests.map((test) => `${file} > ${test.fullName}: ${firstLine(test.failureMessages[0])}`);
}

const firstLine = (text = "") => text.split("\n", 1)[0].slice(0, 300);

/** Tests of these projects in one run: while the last long file of one ends, those of another go on. */
async function vitest(...projects) {
  const title = projects.join(" and ");
  const folder = mkdtempSync(join(tmpdir(), "aislewatch-test-"));
  const report = join(folder, "report.json");
  const args = [
    "run",
    ...projects.flatMap((project) => ["--project", project]),
    `--maxWorkers=${projects.includes("unit") ? WORKERS.unit : WORKERS.others}`,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...rest,
  ];
  headline(`${title} tests`);
  const code = await start("vitest/vitest.mjs", args, "inherit").ended;
  try {
    const { numPassedTests, numPendingTests, numTotalTests, testResults } = JSON.parse(readFileSync(report, "utf8"));
    passed += numPassedTests;
    const failedHere = testResults.flatMap(failuresOf);
    failed += failedHere.length;
    failures.push(...failedHere);
    if (CI && numPendingTests > 0) {
      failed += numPendingTests;
      failures.push(`${numPendingTests} ${title} tests were skipped`);
    }
    // A file that can't be loaded, or an error outside of any test, fails no test and must fail the run.
    if (code !== 0 && failedHere.length === 0) {
      failed++;
      failures.push(`${title}: vitest exited with ${code}`);
    }
    if (numTotalTests === 0) {
      failed++;
      failures.push(`${title}: no test ran`);
    }
  } catch {
    failed++;
    failures.push(`${title}: vitest left no report`);
  }
  rmSync(folder, { recursive: true, force: true });
}

const parts = wanted === undefined ? PARTS : [wanted];
const CHECKS = {
  lint: [
    ["linter and formatter", "@biomejs/biome/bin/biome", ["check", "--error-on-warnings", "."]],
    [
      "import arrows",
      "dependency-cruiser/bin/dependency-cruiser.mjs",
      ["--config", ".dependency-cruiser.mjs", "packages", "agent", "collector", "test"],
    ],
  ],
  types: [
    ["types", "typescript/bin/tsc", ["--noEmit"]],
    ["types of the page", "typescript/bin/tsc", ["--noEmit", "-p", "collector/page"]],
  ],
};
await check(parts.flatMap((part) => CHECKS[part] ?? []));
if (parts.includes("unit")) await vitest("unit");
const withPrograms = parts.filter((part) => part === "system" || part === "browser");
if (withPrograms.length > 0) {
  const built = await buildPage();
  if (built !== 0) {
    failed++;
    failures.push("the page does not build");
  }
  await vitest(...withPrograms);
}
// Last of all, so that also who sees only the end of a long log knows what to look at.
if (failures.length > 0) process.stdout.write(`\nFailed:\n${failures.map((line) => `  ${line}\n`).join("")}`);
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
