/** The doctor against real faults: real stores, real sockets, a collector that answers as a sick one does. */
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Finding, lockFolder } from "@aislewatch/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cert } from "./api/test-certificate.ts";
import { type CollectorConfig, defaultCollectorConfig } from "./config.ts";
import { diagnose, doctor } from "./doctor.ts";
import { createSqliteStore } from "./store/state/sqlite.ts";

const NOW = 1_800_000_000_000;
const DAY_MS = 86_400_000;

let data = "";
const servers: Server[] = [];
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "doctor-"));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
  rmSync(data, { recursive: true, force: true });
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const on = (port: number, named = true) => ({ host: "127.0.0.1", port, named });
const config = (over: Partial<CollectorConfig> = {}): CollectorConfig => ({
  ...defaultCollectorConfig(data),
  ...{ http: on(0), mqtt: on(0), ...over },
});

const wrong = (found: readonly Finding[], group: string): string[] =>
  found.filter((one) => one.group === group && one.level !== "ok").map(({ level, what }) => `${level} ${what}`);
const diagnosed = async (group: string, over: Partial<CollectorConfig> = {}, file: string | null = null) =>
  wrong(await diagnose(config(over), file, NOW), group);

async function withStore(fill: (store: ReturnType<typeof createSqliteStore>) => void): Promise<void> {
  const store = createSqliteStore({ file: join(data, "state.sqlite") });
  await store.open();
  fill(store);
  await store.close();
}

describe("aislewatch doctor", () => {
  it("says that nothing runs there yet, and leaves the folder empty", async () => {
    const found = await diagnose(config(), null, NOW);
    expect(wrong(found, "collector")).toEqual([expect.stringContaining("no collector runs")]);
    expect(wrong(found, "state store")).toEqual([expect.stringContaining("is not there")]);
    expect(wrong(found, "configuration")).toEqual([]);
    expect(readdirSync(data)).toEqual([]);
  });

  it("tells each mistake in the files that the configuration names", async () => {
    const sites = join(data, "sites.yaml");
    writeFileSync(sites, "sites: 7\n");
    expect(await diagnosed("configuration", { sites })).toEqual([expect.stringContaining(`fail ${sites}:1:`)]);
  });

  it("tells a secret that everyone can read, and does not show it", async () => {
    const [file, secret] = [join(data, "collector.yaml"), join(data, "broker.secret")];
    writeFileSync(file, "mqtt: { password: file:broker.secret }\n");
    writeFileSync(secret, "hunter2");
    chmodSync(secret, 0o644);
    const found = await diagnosed("configuration", {}, file);
    expect(found).toEqual([`warn everyone on this host can read the secret in ${secret}`]);
  });

  it.each([
    { name: "that was named is a failure", named: true, is: [expect.stringContaining("is used by another program")] },
    { name: "that was not named is none: the next one is taken", named: false, is: [] },
  ])("a port that another program has and $name", async ({ named, is }) => {
    const port = await listen(createServer());
    expect(await diagnosed("network", { http: on(port, named) })).toEqual(is);
  });

  it("counts the days of the certificate", async () => {
    const tls = { cert, key: "" };
    const late = await diagnose(config({ tls }), null, Date.parse("2200-01-01"));
    expect(wrong(late, "network")).toEqual([expect.stringContaining("fail the collector's certificate expired on")]);
  });

  it("finds a state store that is damaged, of a newer version, or none at all", async () => {
    await withStore(() => {});
    const file = join(data, "state.sqlite");
    expect(await diagnosed("state store")).toEqual([]);
    const database = new DatabaseSync(file);
    database.exec("insert into schema_version (version) values (999)");
    database.close();
    expect(await diagnosed("state store")).toEqual([expect.stringContaining("of a newer version (schema 999")]);
    writeFileSync(file, "this was a database");
    expect(await diagnosed("state store")).toEqual([expect.stringContaining("can't be read")]);
  });

  it("says how old the last backup is, and misses one from the third day on", async () => {
    const last = (at: number) => JSON.stringify({ at, file: "b.tar.zst", bytes: 7 * 2 ** 20 });
    const first = { at: NOW - 3 * DAY_MS, actor: "system", action: "config_changed", detail: "" };
    await withStore((store) => store.audit(first));
    expect(await diagnosed("backup")).toEqual(["warn none was made yet, in 3 days"]);
    await withStore((store) => store.putDocument("last-backup", last(NOW - DAY_MS)));
    expect(await diagnosed("backup")).toEqual([]);
    await withStore((store) => store.putDocument("last-backup", last(NOW - 4 * DAY_MS)));
    expect(await diagnosed("backup")).toEqual([expect.stringContaining("b.tar.zst, 7 MiB, 4 days ago")]);
  });

  it("tells a restore that was killed half way", async () => {
    writeFileSync(join(data, "restore.json"), "{}");
    expect(await diagnosed("state store")).toEqual([expect.stringContaining("was killed half way")]);
  });

  it("finds a time-series store that is none, and an InfluxDB that does not answer", async () => {
    writeFileSync(join(data, "timeseries.duckdb"), "1234567 DUCK and what follows");
    expect(await diagnosed("time-series store")).toEqual([]);
    writeFileSync(join(data, "timeseries.duckdb"), "");
    expect(await diagnosed("time-series store")).toEqual([expect.stringContaining("is no file of DuckDB")]);
    const influxdb = {
      url: "http://127.0.0.1:1",
      ca: null,
      api: "v1",
      database: "a",
      username: null,
      password: null,
    } as const;
    expect(await diagnosed("time-series store", { influxdb })).toEqual([expect.stringContaining("ECONNREFUSED")]);
  });

  it("tells of people and agents what is worth a look", async () => {
    await withStore((store) => {
      store.putUser({ name: "noc", role: "operator", passwordHash: null, createdAt: NOW });
      const status = (version: string, sentAt: number) => ({
        ...{ v: 1 as const, state: "online" as const, version, epoch: "e", startedAt: NOW - DAY_MS, sentAt },
      });
      const seen = (agent: string, online: boolean, agoMs: number) => ({
        ...{ site: "store-1", agent, online, lastSeenAt: NOW - agoMs, judgedUntil: 0 },
      });
      store.commit({
        agents: [
          { ...seen("well", true, 1_000), status: status("0.1.0", NOW - 1_000) },
          { ...seen("silent", false, 2 * DAY_MS), status: null },
          { ...seen("closed-for-the-night", false, DAY_MS / 2), status: null },
          { ...seen("slow-clock", true, 1_000), status: status("0.1.0", NOW - 300_000) },
          { ...seen("old", true, 1_000), status: status("0.0.1", NOW) },
          // The collector's own lane at a site, which says nothing while the collector is down.
          { ...seen("collector", false, 2 * DAY_MS), status: null },
        ],
      });
    });
    expect(await diagnosed("people")).toEqual(["warn no administrator yet"]);
    expect(await diagnosed("agents")).toEqual([
      "warn silent for 1d or longer: store-1/silent",
      "warn with a clock that is off by two minutes or more: store-1/slow-clock",
      "warn of another version than this one, 0.1.0: store-1/old",
    ]);
  });

  it("asks one that runs, and leaves its ports and its broker alone", async () => {
    const lock = lockFolder(data);
    const figures =
      "# HELP aislewatch_rules_refused x\n# TYPE aislewatch_rules_refused gauge\naislewatch_rules_refused 1\n";
    const http = await listen(
      createHttpServer((request, response) =>
        response.end(
          request.url === "/metrics" ? figures : JSON.stringify({ ok: false, reasons: ["the disk is full"] }),
        ),
      ),
    );
    const found = await diagnose(config({ http: on(http) }), null, NOW);
    expect(wrong(found, "collector")).toEqual([
      "fail the disk is full",
      expect.stringContaining("edited files are faulty"),
    ]);
    expect(wrong(found, "network")).toEqual([]);
    expect(await diagnosed("collector", { http: on(1) })).toEqual([expect.stringContaining("does not answer at")]);
    if (lock.ok) lock.value.release();
  });

  it("says why an external broker can't be used, with its code", async () => {
    const refusing = await listen(
      createServer((socket) => {
        socket.on("error", () => {});
        // CONNACK, return code 5: not authorized (MQTT 3.1.1, 3.2.2.3).
        socket.once("data", () => socket.write(Buffer.from([0x20, 2, 0, 5])));
      }),
    );
    const to = (port: number) => ({
      ...{ url: `mqtt://127.0.0.1:${port}`, clientId: "c", username: "noc", password: "hunter2" },
      ...{ ca: null, certificate: null, serverName: null },
    });
    expect(await diagnosed("broker", { broker: to(refusing) })).toEqual([
      expect.stringContaining("BROKER_SIGN_IN_REFUSED"),
    ]);
    expect(await diagnosed("broker", { broker: to(1) })).toEqual([expect.stringContaining("BROKER_UNREACHABLE")]);
  });

  it("sends nothing to a channel, and says when its server can't be reached", async () => {
    let heard = 0;
    const port = await listen(
      createServer((socket) => {
        socket.on("error", () => {});
        socket.on("data", (bytes) => {
          heard += bytes.length;
        });
      }),
    );
    const file = join(data, "notifications.yaml");
    const secret = join(data, "hook.secret");
    writeFileSync(secret, `${"k".repeat(48)}\n`, { mode: 0o600 });
    const channel = (name: string, at: number): string =>
      `  - { name: ${name}, webhook: { url: "http://127.0.0.1:${at}/secret-path", secret: file:hook.secret, private: true } }\n`;
    writeFileSync(file, `channels:\n${channel("there", port)}${channel("gone", 1)}routes: []\n`);
    const found = await diagnose(config({ notifications: file }), null, NOW);
    expect(wrong(found, "configuration")).toEqual([]);
    expect(wrong(found, "channel there")).toEqual([]);
    expect(wrong(found, "channel gone")).toEqual([expect.stringContaining("ECONNREFUSED")]);
    expect(JSON.stringify(found)).not.toContain("secret-path");
    expect(heard).toBe(0);
  });

  it("ends with 2 for a configuration that can't be used", async () => {
    expect(await doctor(["--config", "none.yaml", "--json"], () => null)).toBe(2);
  });
});
