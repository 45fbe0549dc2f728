/** What only a server that stands by itself can do to a store: end, hang, forget, refuse; on a real InfluxDB 1.x. */
import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { ManualClock } from "@aislewatch/base";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type InfluxRig, influxdb, influxMissing } from "../../../test/rig/influxdb.ts";
import { cleanUp, freePort, onCleanUp, startPeer, tempFolder, waitFor } from "../../../test/rig/rig.ts";
import { cert, key } from "../../api/test-certificate.ts";
import type { StoreError } from "../error.ts";
import { aBatch, CRASH_SAMPLES, crashBatch, LANE, T0 } from "./contract-data.ts";
import { createInfluxStore, type InfluxStoreOptions } from "./influxdb.ts";
import type { TimeSeriesStore } from "./store.ts";

const missing = influxMissing();
const DATABASE = "shops";
const SERIES = { site: "store-1", device: "lane-3/printer", component: null, metric: "temperature_celsius" };
const ALWAYS = { from: T0 - 1_000, to: T0 + 1_000_000, pointsMax: 5_000 };
const VICTORIA = "/usr/bin/victoria-metrics";
const CREDENTIALS = { username: "collector", password: "it's a secret" };

describe.skipIf(missing !== null)(`a store on InfluxDB${missing ?? ""}`, () => {
  let influx: InfluxRig;
  let problems: string[];
  const opened: TimeSeriesStore[] = [];

  const make = (given: Partial<InfluxStoreOptions> = {}): TimeSeriesStore => {
    const address = {
      api: "v1",
      url: influx.url,
      ca: null,
      database: DATABASE,
      username: null,
      password: null,
    } as const;
    const store = createInfluxStore({
      ...{ address, clock: new ManualClock(T0), retentionMs: null },
      onProblem: (error: StoreError) => problems.push(error.message),
      ...given,
    });
    opened.push(store);
    return store;
  };
  const open = async (given: Partial<InfluxStoreOptions> = {}): Promise<TimeSeriesStore> => {
    const store = make(given);
    await store.open();
    return store;
  };

  beforeEach(async () => {
    problems = [];
    influx = await influxdb();
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await cleanUp();
  });

  it("has all that it confirmed, once, after the server was killed again and again", async () => {
    await influx.run();
    const store = await open();
    let confirmed = 0;
    let refused = 0;
    let killsLeft = 3;
    const appending = (async () => {
      // Until it was killed for the last time: a fast machine would be done before.
      while (killsLeft > 0 || confirmed < 60) {
        const next = Array.from({ length: 3 }, (_, n) => crashBatch(confirmed + 1 + n));
        try {
          await store.append(next);
          confirmed += next.length;
        } catch (thrown) {
          expect(thrown).toMatchObject({ kind: "unreachable", retryable: true });
          refused++;
          await new Promise((done) => setTimeout(done, 20));
        }
      }
    })();
    for (const least of [9, 24, 42]) {
      await waitFor("batches", () => confirmed >= least);
      await influx.kill();
      const seen = refused;
      await waitFor("a refusal", () => refused > seen);
      await influx.run();
      killsLeft--;
    }
    await appending;
    const again = await open();
    expect(await again.watermarks()).toEqual([{ ...LANE, seq: confirmed }]);
    expect((await again.stats()).samples).toBe(confirmed * CRASH_SAMPLES);
  });

  it("does not wait for a server that hangs, and takes the same again when it is back", async () => {
    await influx.run();
    const store = await open({ limits: { writeMsMax: 300, queryMsMax: 300 } });
    await store.append([aBatch(1, [{ at: T0, value: 1 }])]);
    influx.freeze();
    await expect(store.append([aBatch(2, [{ at: T0 + 1, value: 2 }])])).rejects.toMatchObject({ retryable: true });
    await expect(store.query(SERIES, ALWAYS)).rejects.toMatchObject({ retryable: true });
    influx.thaw();
    await waitFor("it to answer", () => store.append([aBatch(2, [{ at: T0 + 1, value: 2 }])]).then(() => true));
    expect((await store.stats()).samples).toBe(2);
  });

  it("opens while the server is down, says so, and takes batches once it is there", async () => {
    const store = await open();
    expect(problems).toEqual([expect.stringContaining("can't be reached")]);
    await expect(store.watermarks()).rejects.toMatchObject({ kind: "unreachable" });
    const batch = aBatch(1, [{ at: T0, value: 1 }]);
    await expect(store.append([batch])).rejects.toMatchObject({ kind: "unreachable" });
    await influx.run();
    await store.append([batch]);
    expect(await store.watermarks()).toEqual([{ ...LANE, seq: 1 }]);
  });

  it("makes the same points of a batch of which no watermark was written", async () => {
    await influx.run();
    const store = await open();
    const batch = aBatch(1, [
      { at: T0, value: 1 },
      { metric: "media_out", at: T0, value: true },
    ]);
    await store.append([batch]);
    await influx.ask('DROP MEASUREMENT "aislewatch_lanes"', DATABASE);
    const again = await open();
    expect(await again.watermarks()).toEqual([]);
    await again.append([batch]);
    expect((await again.stats()).samples).toBe(2);
  });

  it("makes a database anew that somebody dropped, and goes on from there", async () => {
    await influx.run();
    const store = await open();
    await store.append([aBatch(1, [{ at: T0, value: 1 }])]);
    await influx.ask(`DROP DATABASE "${DATABASE}"`);
    const second = aBatch(2, [{ at: T0 + 1, value: 2 }]);
    await expect(store.append([second])).rejects.toMatchObject({ kind: "unreachable" });
    await store.append([second]);
    expect((await store.query(SERIES, ALWAYS)).map(({ mean }) => mean)).toEqual([2]);
  });

  it("takes all but the field that somebody wrote with another type, and tells of it", async () => {
    await influx.run();
    const store = await open();
    await fetch(`${influx.url}/write?db=${DATABASE}&precision=ms`, {
      method: "POST",
      body: `readings,site=x temperature_celsius="warm",media_out?=1i ${T0}`,
    });
    await store.append([
      aBatch(1, [
        { at: T0, value: 21 },
        { metric: "media_out", at: T0, value: true },
        { metric: "load_percent", at: T0, value: 7 },
      ]),
    ]);
    expect((await store.query({ ...SERIES, metric: "load_percent" }, ALWAYS)).map(({ mean }) => mean)).toEqual([7]);
    expect(await store.stats()).toMatchObject({ refusedSamples: 2 });
    expect(problems).toEqual([expect.stringMatching(/refused 1 .*already exists as type/)]);
    expect(await store.watermarks()).toEqual([{ ...LANE, seq: 1 }]);
  });

  it("sets aside a line that is refused, and stores those around it", async () => {
    await influx.run();
    const store = await open();
    const samples = Array.from({ length: 9 }, (_, n) => ({ at: T0 + n, value: n }));
    const tooLong = { subject: "x".repeat(70_000), at: T0, value: 1 };
    await store.append([aBatch(1, [...samples.slice(0, 4), tooLong, ...samples.slice(4)])]);
    expect((await store.query(SERIES, ALWAYS)).map(({ mean }) => mean)).toEqual(samples.map(({ value }) => value));
    expect(await store.stats()).toMatchObject({ samples: 9, refusedSamples: 1 });
    expect(problems.join()).toContain("unable to parse");
  });

  it("keeps samples for as long as it is told, says what was too old, and keeps watermarks for good", async () => {
    const hour = 3_600_000;
    const now = Date.now();
    const clock = new ManualClock(now);
    await influx.run();
    const store = await open({ clock, retentionMs: 48 * hour });
    const at = (hours: number) => aBatch(1, [{ at: T0, value: 1 }], { skewMs: now - hours * hour - T0 });
    await store.append([
      { ...at(1), seq: 1 },
      { ...at(72), seq: 2 },
    ]);
    expect(await store.stats()).toMatchObject({ samples: 1, refusedSamples: 1 });
    expect(problems.join()).toContain("beyond retention policy");
    expect(JSON.stringify(await influx.ask(`SHOW RETENTION POLICIES ON "${DATABASE}"`))).toContain(
      '["aislewatch","48h0m0s"',
    );

    await store.append([aBatch(5, [], { site: "silent" })]);
    clock.advance(24 * hour);
    await store.append([aBatch(3, [])]);
    const marks = JSON.stringify(
      await influx.ask('SELECT * FROM "aislewatch_lanes" WHERE "site" = \'silent\'', DATABASE),
    );
    expect(marks.match(/"silent"/g)).toHaveLength(2);

    const other = await open({ clock, retentionMs: 96 * hour });
    expect(JSON.stringify(await influx.ask(`SHOW RETENTION POLICIES ON "${DATABASE}"`))).toContain('"96h0m0s"');
    expect(await other.watermarks()).toContainEqual({ ...LANE, site: "silent", seq: 5 });
  });

  it("signs in, and says that it may not when it may not", async () => {
    influx = await influxdb({ more: ["auth-enabled = true"], credentials: CREDENTIALS });
    await influx.run();
    await influx.ask(`CREATE USER "collector" WITH PASSWORD 'it\\'s a secret' WITH ALL PRIVILEGES`);
    const address = { api: "v1", url: influx.url, ca: null, database: DATABASE, ...CREDENTIALS } as const;
    const store = await open({ address });
    await store.append([aBatch(1, [{ at: T0, value: 1 }])]);
    expect(await store.watermarks()).toEqual([{ ...LANE, seq: 1 }]);

    const stranger = await open({ address: { ...address, password: "guessed" } });
    await expect(stranger.append([aBatch(2, [])])).rejects.toMatchObject({ kind: "failed" });
    expect(problems.join()).toContain("authorization failed");
    expect(problems.join()).not.toContain("guessed");
  });

  it("lets who may only read and write do so", async () => {
    influx = await influxdb({ more: ["auth-enabled = true"], credentials: CREDENTIALS });
    await influx.run();
    await influx.ask(`CREATE USER "collector" WITH PASSWORD 'it\\'s a secret' WITH ALL PRIVILEGES`);
    await influx.ask(`CREATE DATABASE "${DATABASE}"`);
    await influx.ask(`CREATE USER "writer" WITH PASSWORD 'w'`);
    await influx.ask(`GRANT ALL ON "${DATABASE}" TO "writer"`);
    const address = { api: "v1", url: influx.url, ca: null, database: DATABASE } as const;
    const store = await open({ address: { ...address, username: "writer", password: "w" } });
    await store.append([aBatch(1, [{ at: T0, value: 1 }])]);
    expect((await store.stats()).samples).toBe(1);
  });

  it.skipIf(!existsSync(VICTORIA))("writes to VictoriaMetrics as api: v2, twice the same once", async () => {
    const port = await freePort();
    await startPeer(VICTORIA, [
      ...[`-storageDataPath=${tempFolder()}`, `-httpListenAddr=127.0.0.1:${port}`, "-retentionPeriod=100y"],
      ...["-dedup.minScrapeInterval=1ms", "-loggerLevel=ERROR"],
    ]);
    const url = `http://127.0.0.1:${port}`;
    await waitFor("VictoriaMetrics", async () => (await fetch(`${url}/health`)).ok);
    const address = { api: "v2", url, ca: null, org: "shops", bucket: "shops", token: "any" } as const;
    const batch = aBatch(1, [
      { at: T0, value: 21.5 },
      { subject: "lane-3/printer#tray-2", metric: "media_out", at: T0 + 1, value: true },
    ]);
    for (let times = 0; times < 2; times++) await (await open({ address })).append([batch]);
    const exported = await waitFor("what was written", async () => {
      await fetch(`${url}/internal/force_flush`);
      const response = await fetch(`${url}/api/v1/export?match[]={__name__=~"readings_.*"}`);
      const lines = (await response.text()).trim().split("\n");
      return lines.length === 2 ? lines.map((line): unknown => JSON.parse(line)) : null;
    });
    const tags = { site: "store-1", device: "lane-3/printer" };
    expect(exported).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          metric: expect.objectContaining({ __name__: "readings_temperature_celsius", ...tags }),
          ...{ timestamps: [T0], values: [21.5] },
        }),
        expect.objectContaining({
          metric: expect.objectContaining({ __name__: "readings_media_out?", ...tags, component: "tray-2" }),
          ...{ timestamps: [T0 + 1], values: [1] },
        }),
      ]),
    );
  });

  it("ends a long reading of last values with the newest of each device, and says so", async () => {
    await influx.run();
    const store = await open();
    const rare = { metric: "rarely_told", at: T0, value: 7 };
    const often = Array.from({ length: 9 }, (_, n) => ({ at: T0 + 1 + n, value: n }));
    await store.append([aBatch(1, [rare, ...often])]);
    expect((await store.lastValues(T0)).map(({ metric }) => metric).sort()).toEqual(["rarely_told", SERIES.metric]);

    let nowMs = 0;
    const clock = new ManualClock(T0);
    const hurried = Object.assign(Object.create(clock), { monotonic: () => (nowMs += 10) });
    const impatient = await open({ clock: hurried, limits: { lastMsMax: 15 } });
    expect(await impatient.lastValues(T0)).toMatchObject([{ metric: SERIES.metric, at: T0 + 9, value: 8 }]);
    expect(problems).toEqual([expect.stringContaining("1 of 2 questions are left")]);
  });

  it("tells of refusals once a minute, with their number", async () => {
    await influx.run();
    const clock = new ManualClock(Date.now());
    const store = await open({ clock, retentionMs: 48 * 3_600_000 });
    for (let seq = 1; seq <= 4; seq++) await store.append([aBatch(seq, [{ at: T0, value: seq }])]);
    clock.advance(60_000);
    await store.append([aBatch(5, [{ at: T0, value: 5 }])]);
    expect(problems).toEqual([expect.stringContaining("refused 1 of"), expect.stringContaining("refused 4 of")]);
  });

  it("trusts a server by the authority that is named, and no other", async () => {
    const server = createTlsServer({ cert, key }, (request, response) => {
      request.resume();
      request.once("end", () => {
        const isWrite = request.url?.startsWith("/write") ?? false;
        response.writeHead(isWrite ? 204 : 200).end(isWrite ? "" : '{"results":[{}]}');
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    onCleanUp(() => void server.close());
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    const address = { api: "v1", url, ca: cert, database: DATABASE, username: null, password: null } as const;
    const batch = aBatch(1, [{ at: T0, value: 1 }]);
    await (await open({ address })).append([batch]);
    const stranger = await open({ address: { ...address, ca: null } });
    await expect(stranger.append([batch])).rejects.toMatchObject({ kind: "unreachable" });
    expect(problems.join()).toMatch(/self-signed|unable to verify/);
  });

  it("tries nothing again by itself", async () => {
    await influx.run();
    let writes = 0;
    const server = createServer((request, response) => {
      request.resume();
      request.once("end", () => {
        if (request.url?.startsWith("/write")) writes++;
        const isWrite = request.url?.startsWith("/write") ?? false;
        response.writeHead(isWrite ? 503 : 200, { "content-type": "application/json" });
        response.end(isWrite ? '{"error":"shutting down"}' : '{"results":[{}]}');
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    onCleanUp(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const address = { api: "v1", url, ca: null, database: DATABASE, username: null, password: null } as const;
    const store = await open({ address });
    await expect(store.append([aBatch(1, [{ at: T0, value: 1 }])])).rejects.toMatchObject({
      kind: "unreachable",
      message: "InfluxDB answers 503: shutting down",
    });
    await store.close();
    expect(writes).toBe(1);
  });
});
