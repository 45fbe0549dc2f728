// The import arrows of ARCHITECTURE.md, one rule each. `test/lint/arrows.test.ts` plants a forbidden import per rule
// and expects red, because a lint that reads nothing looks just like a clean tree.
const only = (name, comment, from, allowed) => ({
  name,
  severity: "error",
  comment,
  from: { path: from, pathNot: "[.]test[.]ts$" },
  to: { path: "^(packages|agent|collector|test)/", pathNot: [from, ...allowed] },
});
/** A library that only these files may import. */
const owner = (library, owners) => ({
  name: `one-owner-${library.replaceAll(/[^a-z]+/g, "-").replace(/^-/, "")}`,
  severity: "error",
  comment: `Replacing ${library} must be a matter of these files: ${owners.join(", ")}.`,
  from: { pathNot: [...owners.map((file) => `^${file}`), "^packages/simulator/", "^test/", "[.]test[.]ts$"] },
  to: { path: `node_modules/${library.replaceAll("/", "\\/")}/` },
});
const [BASE, CONTRACT, CONFIG, DEVICES, RULES, RUNTIME] = [
  "base",
  "contract",
  "config",
  "devices",
  "rules",
  "runtime",
].map((name) => `^packages/${name}/`);
const BUILT_IN = { dependencyTypes: ["core"] };

export default {
  forbidden: [
    only("base-imports-nothing", "The bottom of the tree.", BASE, []),
    only("contract-imports-base", "What travels on the wire depends on no program.", CONTRACT, [BASE]),
    only("config-imports-base", "Diagnostics know no domain.", CONFIG, [BASE]),
    only("devices-imports-base-and-config", "The catalogue knows neither wire nor rules.", DEVICES, [
      BASE,
      CONFIG,
      CONTRACT,
    ]),
    only("rules-imports-the-pure-packages", "The same engine runs live, in tests and in backtests.", RULES, [
      BASE,
      CONTRACT,
      DEVICES,
      CONFIG,
    ]),
    only("runtime-imports-base", "The process shell knows no domain.", RUNTIME, [BASE]),
    only(
      "simulator-imports-packages",
      "The simulator is a device, not a part of the product.",
      "^packages/simulator/",
      [BASE, CONTRACT, DEVICES, CONFIG, RUNTIME],
    ),
    only("cli-starts-programs-as-processes", "The CLI imports neither agent nor collector.", "^packages/cli/", [
      "^packages/",
    ]),
    only("agent-never-imports-collector", "Two programs, one contract.", "^agent/", [
      BASE,
      CONTRACT,
      DEVICES,
      CONFIG,
      RUNTIME,
    ]),
    only("collector-never-imports-agent", "Two programs, one contract.", "^collector/", [
      BASE,
      CONTRACT,
      DEVICES,
      CONFIG,
      RUNTIME,
      RULES,
      "^packages/api/",
    ]),
    {
      name: "nothing-imports-the-simulator",
      severity: "error",
      comment: "Demo devices reach the product over real sockets only.",
      from: {
        path: "^(agent|collector|packages/(base|contract|devices|rules|config|runtime))/",
        pathNot: "[.]test[.]ts$",
      },
      to: { path: "^packages/simulator/" },
    },
    {
      name: "drivers-are-strangers",
      severity: "error",
      comment: "A driver can be deleted as a folder.",
      from: { path: "^agent/drivers/([^/]+)/" },
      to: { path: "^agent/drivers/([^/]+)/", pathNot: "^agent/drivers/$1/" },
    },
    {
      name: "pure-code-has-no-world",
      severity: "error",
      comment: "Meaning must be testable from a recording alone: no file, socket, timer or process.",
      from: {
        path: "^(agent/core/|agent/drivers/[^/]+/parse[.]ts|packages/(base|contract|rules)/|collector/incidents/)",
        pathNot: "[.]test[.]ts$",
      },
      to: BUILT_IN,
    },
    {
      name: "page-talks-http",
      severity: "error",
      comment: "The page knows the collector by its OpenAPI only, and by the types made from it.",
      from: { path: "^collector/page/" },
      to: { path: "^(packages|agent|collector)/", pathNot: ["^collector/page/", "^packages/api/"] },
    },
    {
      name: "tests-are-leaves",
      severity: "error",
      comment: "Nothing imports a test.",
      from: { pathNot: "^test/|[.]test[.]ts$" },
      to: { path: "^test/|[.]test[.]ts$" },
    },
    {
      name: "no-cycles",
      severity: "error",
      comment: "Two files that need each other are one.",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-unresolved",
      severity: "error",
      comment: "An import that resolves to nothing matches no rule.",
      from: {},
      to: { couldNotResolve: true },
    },
    owner("mqtt", ["agent/uplink", "collector/broker/"]),
    owner("aedes", ["collector/broker/"]),
    owner("net-snmp", ["agent/transport/snmp"]),
    owner("serialport", ["agent/transport/serial"]),
    owner("koffi", ["agent/transport/ioctl[.]ts", "agent/transport/unused-memory[.]ts"]),
    owner("systeminformation", ["agent/drivers/host/"]),
    owner("@duckdb/node-api", ["collector/store/timeseries/"]),
    owner("@influxdata/influxdb-client", ["collector/store/timeseries/influxdb-http[.]ts"]),
    owner("kysely", ["collector/store/state/"]),
    owner("fastify", ["collector/api/"]),
    owner("nodemailer", ["collector/notify/email[.]ts"]),
    owner("csv-parse", ["collector/asset-table[.]ts"]),
    owner("@marcbachmann/cel-js", ["packages/rules/"]),
    owner("yaml", ["packages/config/"]),
    owner("pino", ["packages/runtime/"]),
    {
      name: "one-owner-node-sqlite",
      severity: "error",
      comment: "SQL stays in the stores.",
      from: { pathNot: ["^collector/store/state/", "^agent/(sample-)?outbox", "[.]test[.]ts$", "^test/"] },
      to: { path: "^(node:)?sqlite$" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "collector/page/dist|testdata" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".tsx", ".mjs", ".js", ".json", ".css"],
    },
  },
};
