import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDiagnostics } from "@aislewatch/config";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cert, key } from "./api/test-certificate.ts";
import { defaultCollectorConfig, loadCollectorConfig, loadPriorityPolicy } from "./config.ts";
import { loadConfigSet } from "./config-set.ts";
import { DEFAULT_PRIORITY_POLICY } from "./incidents/priority.ts";
import { type Loaded, loadSites } from "./sites.ts";

const EXAMPLES = join(import.meta.dirname, "../deploy/examples");
let dir = "";

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "aislewatch-config-"));
  cpSync(EXAMPLES, dir, { recursive: true });
  mkdirSync(join(dir, "packs"));
  writeFileSync(join(dir, "cert.pem"), "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
  writeFileSync(join(dir, "empty.key"), "");
  writeFileSync(join(dir, "nonsense.key"), "not a key");
});
afterAll(() => rmSync(dir, { recursive: true }));

/** The file and its complaints, as a person reads them, without the name of the temporary folder. */
function complaints(name: string, text: string, load: (path: string) => Loaded<unknown>): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  const loaded = load(path);
  const shown = loaded.ok ? "no mistakes" : formatDiagnostics(loaded.diagnostics, loaded.texts);
  return `${text}---\n${shown.replaceAll(`${dir}/`, "")}\n`;
}

describe("the ten usual mistakes in collector.yaml", () => {
  it.each([
    { name: "a wrong key", text: "listen:\n  htpp: 127.0.0.1:8080\nretension: 30d\n" },
    { name: "a wrong type", text: "data: 7\nrules: { packs: true }\n" },
    { name: "a port without an address", text: "listen: { http: 8080, mqtt: 127.0.0.1:99999 }\n" },
    { name: "a network address without tls", text: "listen:\n  http: 0.0.0.0:8080\n  mqtt: 192.0.2.7:1883\n" },
    { name: "a bare number for a duration", text: "retention: 30\n" },
    { name: "roll-ups that go before their samples", text: "retention: 400d\nrollup_retention: 1y\n" },
    { name: "roll-ups that are shorter", text: "retention: 400d\nrollup_retention: 60d\n" },
    { name: "an unknown store", text: "timeseries: duckbd\nmemory_limit: 1MiB\n" },
    { name: "missing files", text: "rules: [packs, pack]\nrunbooks: ./runboks\nsites: ./site.yaml\npriority: packs\n" },
    { name: "a literal secret", text: "tls:\n  certificate: cert.pem\n  key: hunter2\n" },
    { name: "unreadable secrets", text: "tls: { certificate: no.pem, key: 'file:no.key' }\n" },
    { name: "an empty secret", text: "tls: { certificate: cert.pem, key: 'file:empty.key' }\n" },
    { name: "a key that is none", text: "tls: { certificate: cert.pem, key: 'file:nonsense.key' }\n" },
    { name: "an external broker that is not named", text: "broker: external\n" },
    { name: "a broker that is not used", text: "mqtt: { url: 'mqtt://127.0.0.1' }\n" },
    {
      name: "an external broker in the clear, and half of what it needs",
      text: "broker: external\nlisten: { mqtt: 127.0.0.1:1883 }\nmqtt:\n  url: mqtt://broker.example\n  username: collector\n  key: 'file:nonsense.key'\n  server_name: broker\n",
    },
    {
      name: "an address with a password, and files that are none",
      text: "broker: external\nmqtt:\n  url: mqtts://me:hunter2@broker.example/path\n  ca: none.pem\n",
    },
    {
      name: "certificates that are none",
      text: "broker: external\nmqtt:\n  url: mqtts://broker.example\n  ca: empty.key\n  certificate: cert.pem\n  key: 'file:nonsense.key'\n",
    },
    { name: "an address of another kind", text: "broker: external\nmqtt: { url: 'http://broker.example' }\n" },
    { name: "an InfluxDB that is not named", text: "timeseries: influxdb\n" },
    { name: "an InfluxDB that is not used", text: "influxdb: { url: 'http://127.0.0.1:8086' }\n" },
    {
      name: "an InfluxDB in the clear, and half of what it needs",
      text: "timeseries: influxdb\ninfluxdb:\n  url: http://influx.example:8086\n  api: v2\n  database: shops\n  token: 'file:empty.key'\n  ca: empty.key\n",
    },
    {
      name: "an InfluxDB address with a password, and a token for the wrong api",
      text: "timeseries: influxdb\ninfluxdb:\n  url: https://me:hunter2@influx.example\n  username: me\n  token: 'file:nonsense.key'\n",
    },
    { name: "an InfluxDB api that is none", text: "timeseries: influxdb\ninfluxdb: { url: 'influx:8086', api: 3 }\n" },
    { name: "a tab", text: "listen:\n\thttp: 127.0.0.1:8080\n" },
    { name: "a duplicate key", text: "data: ./a\ndata: ./b\n" },
    { name: "an empty file", text: "" },
  ])("$name", ({ text }) => {
    expect(complaints("collector.yaml", text, (path) => loadCollectorConfig(path, {}))).toMatchSnapshot();
  });

  it("names the whole file when it is not there", () => {
    const loaded = loadCollectorConfig(join(dir, "none.yaml"), {});
    expect(loaded).toMatchObject({ ok: false, diagnostics: [{ code: "CFG_MISSING_FILE", line: 0 }] });
  });
});

describe("the ten usual mistakes in sites.yaml", () => {
  const site = (rest: string) => `sites:\n  - id: berlin-01\n    time_zone: Europe/Berlin\n${rest}`;
  it.each([
    { name: "a wrong key", text: site("    trading_hour: { daily: 08:00-20:00 }\n") },
    { name: "a missing key", text: "sites:\n  - id: berlin-01\n" },
    { name: "a wrong type", text: "sites:\n  id: berlin-01\n" },
    { name: "an id that is none", text: "sites:\n  - { id: Berlin 01, time_zone: UTC }\n" },
    { name: "a duplicate id", text: `${site("")}  - { id: berlin-01, time_zone: UTC }\n` },
    {
      name: "an unknown time zone",
      text: "sites:\n  - { id: b, time_zone: Europe/Belrin }\n  - { id: c, time_zone: 1 }\n",
    },
    {
      name: "hours that are none",
      text: site(
        "    trading_hours:\n      mon: 8:00-20:00\n      tue: 08:00-25:00\n      wed: 8am-8pm\n      thu: 24h\n",
      ),
    },
    { name: "days that are none", text: site("    trading_hours:\n      monday: closed\n      mon-fry: closed\n") },
    { name: "a day given twice", text: site("    trading_hours:\n      mon-fri: 08:00-20:00\n      wed: closed\n") },
    { name: "an unknown format", text: site("    format: shop\n") },
    { name: "dates that are none", text: site("    closed_days: [25.12.2026, 2026-02-30, christmas]\n") },
    { name: "a tab", text: "sites:\n\t- id: b\n" },
    {
      name: "contacts nobody can reach",
      text: site(
        "    contacts:\n      - { name: Kim, role: it, phone: 4930123, email: kim@home }\n      - { name: Lee, role: it, phone: call me }\n",
      ),
    },
    { name: "a contact without a way to reach them", text: site("    contacts:\n      - { name: Kim, role: it }\n") },
    {
      name: "a contract, a region and labels",
      text: site("    contract: Gold Plus\n    region: ''\n    labels: { tier: 1 }\n"),
    },
  ])("$name", ({ text }) => expect(complaints("sites.yaml", text, loadSites)).toMatchSnapshot());

  it("refuses a store that has the collector's own place", () => {
    const text = "sites:\n  - { id: aislewatch, time_zone: Europe/Berlin }\n";
    expect(complaints("sites.yaml", text, loadSites)).toContain("CFG_RESERVED_ID");
  });
});

describe("the ten usual mistakes in priority.yaml", () => {
  it.each([
    { name: "a wrong key", text: "impact: { high_bellow_working: 0.5 }\n" },
    { name: "a share that is none", text: "impact: { high_below_working: 50, medium_from_failed: a quarter }\n" },
    { name: "an unknown kind", text: "impact:\n  at_least: { convayor: high }\n" },
    { name: "an unknown level", text: "impact:\n  at_least: { conveyor: hihg }\n" },
    { name: "an unknown severity", text: "urgency:\n  open: { info: low, minor: low, majer: high, critical: high }\n" },
    { name: "a severity that is missing", text: "urgency:\n  closed: { info: low, minor: low, critical: high }\n" },
    { name: "a row that is missing", text: "matrix:\n  high: { high: P1, medium: P2, low: P3 }\n" },
    {
      name: "an unknown priority",
      text: "matrix:\n  high: { high: P0, medium: 2, low: P3 }\n  medium: P2\n  low: P3\n",
    },
    { name: "a list where a map belongs", text: "- matrix\n" },
    { name: "a duplicate key", text: "urgency: {}\nurgency: {}\n" },
  ])("$name", ({ text }) => expect(complaints("priority.yaml", text, loadPriorityPolicy)).toMatchSnapshot());
});

describe("the examples", () => {
  it("load as they are", () => {
    expect(loadCollectorConfig(join(EXAMPLES, "collector.yaml"), {})).toMatchObject({
      ok: true,
      value: {
        http: { host: "127.0.0.1", port: 8080, named: true },
        tls: null,
        sites: join(EXAMPLES, "sites.yaml"),
        retentionMs: 30 * 86_400_000,
        influxdb: null,
      },
    });
  });

  it.each(["collector.yaml", "collector-external-broker.yaml", "collector-influxdb.yaml"])(
    "%s finds all that it names",
    (file) => {
      const secrets = { AISLEWATCH_BROKER_PASSWORD: "x", AISLEWATCH_INFLUX_PASSWORD: "x" };
      const loaded = loadCollectorConfig(join(EXAMPLES, file), secrets);
      const set = loaded.ok ? loadConfigSet(loaded.value) : loaded;
      expect(set.ok ? "" : formatDiagnostics(set.diagnostics, set.texts)).toBe("");
    },
  );

  it("load with a broker that stands by itself", () => {
    const file = join(EXAMPLES, "collector-external-broker.yaml");
    expect(loadCollectorConfig(file, { AISLEWATCH_BROKER_PASSWORD: "x" })).toMatchObject({
      ok: true,
      value: {
        broker: {
          ...{ url: "mqtts://broker.example:8883", clientId: "aislewatch-collector", username: "collector" },
          ...{ password: "x", ca: null, certificate: null, serverName: null },
        },
      },
    });
  });

  it("load with samples in InfluxDB", () => {
    const file = join(EXAMPLES, "collector-influxdb.yaml");
    const server = { url: "http://127.0.0.1:8086", ca: null, api: "v1", database: "aislewatch" };
    expect(loadCollectorConfig(file, { AISLEWATCH_INFLUX_PASSWORD: "x" })).toMatchObject({
      ok: true,
      value: { influxdb: { ...server, username: "aislewatch", password: "x" } },
    });
  });

  it("give sites their hours, days that are not named are closed", () => {
    const loaded = loadSites(join(EXAMPLES, "sites.yaml"));
    const sites = loaded.ok ? loaded.value : [];
    expect(sites.map(({ id, name, format }) => [id, name, format])).toContainEqual([
      "leipzig-dc",
      "Leipzig distribution centre",
      "dc",
    ]);
    expect(sites.find((site) => site.id === "sevilla-03")?.hours).toMatchObject({
      sat: [
        { from: 570, to: 840 },
        { from: 1020, to: 1260 },
      ],
      sun: [],
    });
    expect(sites.find((site) => site.id === "nyc-07")?.hours?.mon).toEqual([{ from: 420, to: 60 }]);
    expect(sites.find((site) => site.id === "leipzig-dc")?.hours).toBeNull();
  });

  it("say what the shipped policy is", () => {
    expect(loadPriorityPolicy(join(EXAMPLES, "priority.yaml"))).toEqual({ ok: true, value: DEFAULT_PRIORITY_POLICY });
  });
});

describe("loadCollectorConfig", () => {
  it("listens beyond loopback with a certificate and its key", () => {
    writeFileSync(join(dir, "good.pem"), cert);
    const path = join(dir, "tls.yaml");
    writeFileSync(path, "listen: { http: 0.0.0.0:8443 }\ntls: { certificate: good.pem, key: 'env:TLS_KEY' }\n");
    const loaded = loadCollectorConfig(path, { TLS_KEY: key });
    expect(loaded.ok && [loaded.value.http.host, loaded.value.tls]).toEqual(["0.0.0.0", { cert, key }]);
  });

  it("takes what is not said from the defaults, and says which port nobody named", () => {
    const path = join(dir, "little.yaml");
    writeFileSync(path, "data: ./here\nlisten: { mqtt: '[::1]:0' }\nrules: packs\n");
    const loaded = loadCollectorConfig(path, {});
    expect(loaded.ok && loaded.value).toEqual({
      ...defaultCollectorConfig(join(dir, "here")),
      mqtt: { host: "::1", port: 0, named: true },
      rules: [join(dir, "packs")],
    });
  });

  it("keeps what priority.yaml leaves out as shipped", () => {
    const path = join(dir, "little-priority.yaml");
    writeFileSync(path, "impact: { medium_from_failed: 0.1 }\n");
    const loaded = loadPriorityPolicy(path);
    expect(loaded.ok && loaded.value).toEqual({
      ...DEFAULT_PRIORITY_POLICY,
      impact: { ...DEFAULT_PRIORITY_POLICY.impact, mediumFromFailed: 0.1 },
    });
  });
});
