/**
 * The dashboards of deploy/grafana: every question that Grafana would put is put to a real InfluxDB that holds what the demo
 * store's devices said, brought there by `aislewatch store copy`. (Grafana itself is not here.)
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type InfluxRig, influxdb, influxMissing } from "../rig/influxdb.ts";
import { cleanUp, onCleanUp, ROOT, runOnce, tempFolder, waitFor } from "../rig/rig.ts";

const missing = influxMissing();
const FOLDER = join(ROOT, "deploy/grafana");
const DATABASE = "demo";
const SITE = "store-0042";
/** Devices that the dashboards show; read for so long, they have some polls each, and what counts up has a rate. */
const SHOWN = [
  "network/switch-1",
  "back-office/this-host",
  "back-office/ups",
  "receiving/conveyor",
  "receiving/label-printer",
];
const READ_MS = 35_000;

type Target = { refId: string; rawQuery: boolean; query: string; datasource: { uid: string } };
type Panel = { id: number; title: string; gridPos: { h: number; w: number; x: number; y: number }; targets: Target[] };
type Dashboard = {
  uid: string;
  title: string;
  panels: Panel[];
  templating: { list: { name: string; query: string }[] };
};
type Answer = { results: { error?: string; series?: { values: unknown[][] }[] }[] };

const dashboards = readdirSync(join(FOLDER, "dashboards")).map((file) => ({
  file,
  board: JSON.parse(readFileSync(join(FOLDER, "dashboards", file), "utf8")) as Dashboard,
}));
const questions = dashboards.flatMap(({ file, board }) => [
  ...board.templating.list.map(({ name, query }) => ({ name: `${file}: variable ${name}`, query })),
  ...board.panels.flatMap(({ title, targets }) =>
    targets.map(({ refId, query }) => ({ name: `${file}: ${title} ${refId}`, query })),
  ),
]);

/** Whether a device of the demo was read from the beginning of a while to its end. */
async function isRead(folder: string, device: string): Promise<boolean> {
  const { url, token } = JSON.parse(readFileSync(join(folder, "cli.json"), "utf8")) as { url: string; token: string };
  const now = Date.now();
  const series = `device=${encodeURIComponent(device)}&metric=up&from=${now - 600_000}&to=${now + 1_000}`;
  const answer = await fetch(`${url}/api/v1/sites/${SITE}/series?${series}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { points } = (await answer.json()) as { points: { at: number }[] };
  return (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0) >= READ_MS;
}

/** As Grafana fills them in for the last hour. */
const filledIn = (query: string): string =>
  query
    .replaceAll("$timeFilter", "time >= now() - 1h and time <= now()")
    .replaceAll("$__interval", "10s")
    .replaceAll("$site", SITE);

describe("the files that Grafana reads", () => {
  it("name one data source, and the folder of the dashboards", () => {
    const source = parse(readFileSync(join(FOLDER, "provisioning/datasources/aislewatch.yaml"), "utf8")) as {
      datasources: { uid: string; type: string }[];
    };
    expect(source.datasources).toEqual([expect.objectContaining({ uid: "aislewatch", type: "influxdb" })]);
    const uids = dashboards.flatMap(({ board }) =>
      board.panels.flatMap(({ targets }) => targets.map((t) => t.datasource.uid)),
    );
    expect(new Set(uids)).toEqual(new Set(["aislewatch"]));
    expect(new Set(dashboards.map(({ board }) => board.uid)).size).toBe(dashboards.length);
  });

  it.each(dashboards)("$file has panels that do not lie on each other", ({ board }) => {
    const taken = new Set<string>();
    for (const { gridPos, title } of board.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x} ${y}`), title).toBe(false);
          taken.add(`${x} ${y}`);
        }
      }
    }
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length);
  });
});

describe.skipIf(missing !== null)(`on what the demo store said${missing ?? ""}`, () => {
  let influx: InfluxRig;
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    influx = await influxdb();
    await influx.run();
    const folder = tempFolder();
    const script = join(ROOT, "packages/cli/bin/start.mjs");
    const words = ["--folder", folder, "--no-scenario"];
    const demo = spawn(process.execPath, [script, ...words], { stdio: ["ignore", "pipe", "pipe"], detached: true });
    running.push(demo);
    const ended = new Promise((done) => demo.once("exit", done));
    onCleanUp(async () => {
      if (demo.exitCode === null && demo.pid !== undefined) process.kill(-demo.pid, "SIGINT");
      await ended;
    });
    let text = "";
    for (const stream of [demo.stdout, demo.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
    }
    await waitFor("the demo", () => /Open +http/.test(text));
    for (const device of SHOWN) await waitFor(`readings of ${device}`, () => isRead(folder, device));
    if (demo.pid !== undefined) process.kill(-demo.pid, "SIGINT");
    await ended;
    const config = join(folder, "influx.yaml");
    const address = `{ url: "${influx.url}", database: ${DATABASE} }`;
    writeFileSync(config, `data: ./collector\ntimeseries: influxdb\ninfluxdb: ${address}\n`);
    const copied = await runOnce("collector/main.ts", [
      ...["store", "copy", "--from", "duckdb", "--to", "influxdb"],
      ...["--config", config],
    ]);
    expect(copied.stderr).toBe("");
    expect(copied).toMatchObject({ code: 0, stdout: expect.stringContaining("counted in both") });
  });
  afterAll(cleanUp);

  it.each(questions)("$name has an answer", async ({ query }) => {
    const filled = filledIn(query);
    expect(filled).not.toContain("$");
    const { results } = (await influx.ask(filled, DATABASE)) as Answer;
    expect(results[0]?.error).toBeUndefined();
    const values = (results[0]?.series ?? []).flatMap((series) => series.values.flatMap((row) => row.slice(1)));
    expect(values.filter((value) => value !== null).length).toBeGreaterThan(0);
  });
});
