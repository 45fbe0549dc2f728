import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { formatDiagnostics } from "@aislewatch/config";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig } from "./config.ts";
import { loadDrivers } from "./drivers/index.ts";

const DRIVERS = await loadDrivers();

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-config-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const HEAD = 'site: store-1\nagent: back-office\ncollector: { url: "mqtt://127.0.0.1:1883" }\n';

function load(text: string | null, env: Record<string, string> = {}) {
  const path = join(folder, "agent.yaml");
  if (text !== null) writeFileSync(path, text);
  return loadConfig(path, DRIVERS, env);
}

/** Diagnostics as a person reads them; the folder of this run is not theirs. */
function complaints(text: string | null): string {
  const { diagnostics, text: read } = load(text);
  const file = join(folder, "agent.yaml");
  const written = formatDiagnostics(diagnostics, new Map(read === null ? [] : [[file, read]]));
  return `${read ?? "(no file)\n"}---\n${written.replaceAll(`${folder}/`, "")}\n`;
}

describe("loadConfig", () => {
  it.each([
    { driver: "presence, host: 10.1.2.3", codes: [] },
    { driver: "snmp, address: 10.1.2.3", codes: [] },
    { driver: 'tap, line: { tcp: "10.1.2.3:4001" }', codes: ["CFG_PAYMENT_DEVICE"] },
    { driver: "zpl, line: { serial: /dev/ttyS0 }", codes: ["CFG_PAYMENT_DEVICE"] },
    { driver: "host", codes: ["CFG_PAYMENT_DEVICE"] },
    { driver: 'usb, match: { id: "11ca:0220" }', codes: [] },
  ])("lets no driver near a payment terminal that opens a line to it: $driver", ({ driver, codes }) => {
    const { diagnostics } = load(`${HEAD}devices:\n  - { id: pin, kind: payment_terminal, driver: ${driver} }\n`);
    expect(diagnostics.map(({ code, path }) => ({ code, path }))).toEqual(
      codes.map((code) => ({ code, path: "devices[0].driver" })),
    );
  });

  it("reads a whole file and fills in what is not written", () => {
    writeFileSync(join(folder, "password"), "hunter2\n");
    const { config, diagnostics } = load(
      [
        "site: store-1",
        "agent: back-office",
        "collector: { url: mqtts://noc.example.com:8883, password: file:password }",
        "outbox: { size: 64MiB }",
        "every: 10s",
        "devices:",
        "  - { id: this-host, kind: host, driver: host }",
        "  - id: receiving/printer",
        "    kind: label_printer",
        "    driver: zpl",
        "    every: 2s",
        "    labels: { zone: receiving }",
        "    depends_on: [this-host]",
        "    line: { tcp: 10.1.2.3 }",
      ].join("\n"),
    );
    expect(diagnostics).toEqual([]);
    expect(config).toMatchObject({
      collector: { url: "mqtts://noc.example.com:8883", username: "store-1/back-office", password: "hunter2" },
      dataFolder: join(folder, "data"),
      outbox: { bytesMax: 64 * 2 ** 20, ageMsMax: 7 * 86_400_000 },
    });
    expect(
      config?.devices.map(({ driver, secret: _, fingerprint: __, ...device }) => ({ ...device, driver: driver.name })),
    ).toEqual([
      {
        id: "this-host",
        kind: "host",
        driver: "host",
        driverConfig: { processes: [], units: [] },
        lineKey: "host",
        intervalMs: 10_000,
        timeoutMs: 5_000,
        labels: {},
        dependsOn: [],
      },
      {
        id: "receiving/printer",
        kind: "label_printer",
        driver: "zpl",
        driverConfig: { line: { kind: "tcp", tcp: { host: "10.1.2.3", port: 9100 } }, variables: "auto" },
        lineKey: "tcp:10.1.2.3:9100",
        intervalMs: 2_000,
        timeoutMs: 2_000,
        labels: { zone: "receiving" },
        dependsOn: ["this-host"],
      },
    ]);
  });

  it("takes a dependency on another agent's device, and says that it is not in this file", () => {
    const { config, diagnostics } = load(
      `${HEAD}devices:\n  - { id: a, kind: host, driver: host, depends_on: [switch-1] }\n`,
    );
    expect(diagnostics.map(({ code, severity }) => [code, severity])).toEqual([["CFG_UNKNOWN_DEVICE", "warning"]]);
    expect(config?.devices[0]?.dependsOn).toEqual(["switch-1"]);
  });

  it("hands a driver the secrets that its keys refer to", () => {
    const text = `${HEAD}devices:\n  - { id: a, kind: ups, driver: snmp, address: 10.0.0.1, community: env:COMMUNITY }\n`;
    const { config } = load(text, { COMMUNITY: "s3cret" });
    expect(config?.devices[0]?.secret({ kind: "env", name: "COMMUNITY" })).toBe("s3cret");
  });

  it("reads where traps are listened for, and whose; nowhere unless it is written", () => {
    const users = "users: [{ name: noc, auth: { protocol: sha256, password: env:AUTH } }]";
    const text = `${HEAD}devices: []\ntraps: { listen: "[::]:1162", community: env:COMMUNITY, ${users} }\n`;
    const env = { COMMUNITY: "store-7", AUTH: "auth-password" };
    expect(load(text, env).config?.traps).toEqual({
      listen: { address: "::", port: 1162 },
      unknownSenders: "ignore",
      community: "store-7",
      users: [{ name: "noc", auth: { protocol: "sha256", password: "auth-password" } }],
    });
    expect(load(`${HEAD}devices: []\n`).config?.traps).toBeNull();
  });

  it.each([
    { name: "a missing file", text: null },
    { name: "a wrong key", text: `${HEAD}evry: 10s\ndevices: []\n` },
    {
      name: "a wrong key of a driver",
      text: `${HEAD}devices:\n  - { id: a, kind: host, driver: host, proceses: [] }\n`,
    },
    { name: "a wrong type", text: `${HEAD}devices:\n  - { id: a, kind: host, driver: host, labels: lane-1 }\n` },
    { name: "an unknown driver", text: `${HEAD}devices:\n  - id: a\n    kind: ups\n    driver: snmpp\n` },
    { name: "an unknown kind", text: `${HEAD}devices:\n  - { id: a, kind: labelprinter, driver: host }\n` },
    { name: "a bad duration", text: `${HEAD}every: 10\ndevices: []\n` },
    {
      name: "an id twice",
      text: `${HEAD}devices:\n  - { id: a, kind: host, driver: host }\n  - { id: a, kind: host, driver: host }\n`,
    },
    { name: "a tab", text: `${HEAD}devices:\n\t- id: a\n` },
    {
      name: "an unreadable secret",
      text: 'site: s\nagent: a\ncollector: { url: "mqtt://127.0.0.1", password: "env:NOT_SET" }\ndevices: []\n',
    },
    {
      name: "a wrong address",
      text: `${HEAD}devices:\n  - { id: a, kind: label_printer, driver: zpl, line: { tcp: "http://printer" } }\n`,
    },
    {
      name: "a device that depends on itself",
      text: `${HEAD}devices:\n  - { id: a, kind: host, driver: host, depends_on: [a] }\n`,
    },
    {
      name: "a collector elsewhere without TLS or password",
      text: HEAD.replace("127.0.0.1", "noc.example.com").concat("devices: []\n"),
    },
    {
      name: "a password in the address",
      text: HEAD.replace("127.0.0.1", "me:hunter2@127.0.0.1").concat("devices: []\n"),
    },
    {
      name: "mistakes in traps",
      text: [
        `${HEAD}devices: []`,
        "traps:",
        "  listen: any:162",
        "  unknown_senders: log",
        "  community: public",
        "  users: [{ name: noc, privacy: { protocol: aes, password: env:P } }]",
        "",
      ].join("\n"),
    },
    {
      name: "a user of traps twice",
      text: `${HEAD}devices: []\ntraps: { listen: "0.0.0.0:1162", users: [{ name: noc }, { name: noc }] }\n`,
    },
    {
      name: "many mistakes at once",
      text: [
        "site: Store 1",
        "agent: back-office",
        "collector: { url: mqtt://127.0.0.1, pasword: hunter2 }",
        "outbox: { size: 512 }",
        "devices:",
        "  - { id: a, kind: hots, driver: host }",
        "  - { id: b, kind: label_printer, driver: zpl, line: { serial: /dev/ttyS0, baud_rate: 9601 } }",
        "  - { id: c, kind: ups, driver: snmp, adress: 10.0.0.1, every: fast }",
        "",
      ].join("\n"),
    },
    {
      name: "what stands beside an unknown driver",
      text: `${HEAD}devices:\n  - { id: a, kind: host, driver: hots }\n  - { id: a, kind: host, driver: host, depends_on: [a] }\n`,
    },
    {
      name: "the other keys of an unknown driver",
      text: `${HEAD}devices:\n  - { id: a, kind: hots, driver: hots, every: 10 }\n`,
    },
  ])("complains about $name", async ({ name, text }) => {
    const golden = name.replaceAll(/[^a-z]+/gi, "-").toLowerCase();
    expect(load(text).config).toBeNull();
    await expect(complaints(text)).toMatchFileSnapshot(`testdata/config/${golden}.golden.txt`);
  });

  it("loads profiles of one's own beside the built-in ones", () => {
    mkdirSync(join(folder, "own"));
    writeFileSync(join(folder, "own/acme.yaml"), "profile: acme\ntitle: Acme\nkind: ups\nextends: [ups]\n");
    const device = "devices: [{ id: u, kind: ups, driver: snmp, address: 10.0.0.1, profile: acme }]\n";
    expect(load(`${HEAD}profiles: own\n${device}`).diagnostics).toEqual([]);
    expect(load(`${HEAD}${device}`).diagnostics).toMatchObject([{ code: "CFG_UNKNOWN_PROFILE" }]);
  });

  it("knows by a device's fingerprint that a profile of one's own was changed, and only then", () => {
    mkdirSync(join(folder, "own"));
    const profile = (title: string): void =>
      writeFileSync(join(folder, "own/acme.yaml"), `profile: acme\ntitle: ${title}\nkind: ups\nextends: [ups]\n`);
    const fingerprint = (): string | undefined => {
      const device = "devices: [{ id: u, kind: ups, driver: snmp, address: 10.0.0.1, profile: acme }]\n";
      return load(`${HEAD}profiles: own\n${device}`).config?.devices[0]?.fingerprint;
    };
    profile("Acme");
    const before = fingerprint();
    expect(before).toBeDefined();
    expect(fingerprint()).toBe(before);
    profile("Acme 2");
    expect(fingerprint()).not.toBe(before);
  });

  it("refuses a bad profile with its file, line and column", () => {
    mkdirSync(join(folder, "own"));
    writeFileSync(join(folder, "own/acme.yaml"), "profile: acme\ntitle: Acme\nkind: ups\nextends: [upss]\n");
    const { config, diagnostics } = load(`${HEAD}profiles: own\ndevices: []\n`);
    expect(config).toBeNull();
    expect(diagnostics).toMatchObject([{ file: join(folder, "own/acme.yaml"), line: 4, column: 11 }]);
  });
});
