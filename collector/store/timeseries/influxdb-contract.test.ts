/** The contract on a real InfluxDB 1.x: through its own door, and through that of 2.x in front of it. */
import { fileURLToPath } from "node:url";
import { ManualClock } from "@aislewatch/base";
import { afterAll, beforeAll, describe } from "vitest";
import { inFrontAsV2, influxdb, influxMissing } from "../../../test/rig/influxdb.ts";
import { cleanUp } from "../../../test/rig/rig.ts";
import { timeSeriesStoreContract } from "./contract.ts";
import { createInfluxStore } from "./influxdb.ts";
import type { InfluxAddress } from "./influxdb-http.ts";

const missing = influxMissing();
const TOKEN = { token: "a-token-of-the-test", org: "shops" };
let urls = { v1: "", v2: "" };
let ask: (question: string) => Promise<unknown> = async () => null;
let databases = 0;

describe.skipIf(missing !== null)(`InfluxDB${missing ?? ""}`, () => {
  beforeAll(async () => {
    const influx = await influxdb();
    await influx.run();
    urls = { v1: influx.url, v2: await inFrontAsV2(influx, TOKEN) };
    ask = (question) => influx.ask(question);
  });
  afterAll(cleanUp);

  const storeAt = async (address: InfluxAddress, database: string) => ({
    create: () => createInfluxStore({ address, clock: new ManualClock(), retentionMs: null }),
    writer: [fileURLToPath(new URL("./crash-writer.ts", import.meta.url)), "influxdb", JSON.stringify(address)],
    async remove() {
      await ask(`DROP DATABASE "${database}"`);
    },
  });

  timeSeriesStoreContract("InfluxDB, api: v1", () => {
    const database = `shops ${++databases}`;
    return storeAt({ api: "v1", url: urls.v1, ca: null, database, username: null, password: null }, database);
  });

  timeSeriesStoreContract("InfluxDB, api: v2", async () => {
    const bucket = `bucket-${++databases}`;
    await ask(`CREATE DATABASE "${bucket}"`);
    return storeAt({ api: "v2", url: urls.v2, ca: null, bucket, ...TOKEN }, bucket);
  });
});
