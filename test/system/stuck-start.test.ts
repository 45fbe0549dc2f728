/** A store whose file never opens, as on a network drive that is gone: the collector ends all the same when it is asked to. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { cleanUp, freePort, onCleanUp, ROOT, tempFolder, waitFor } from "../rig/rig.ts";

describe("a collector whose time-series store hangs at its start", () => {
  afterAll(cleanUp);

  it("is gone once its parts had their time to stop", async () => {
    const folder = tempFolder();
    mkdirSync(join(folder, "data"));
    // Opening a pipe that nobody writes to never returns, and no thread that does it can be ended.
    execFileSync("mkfifo", [join(folder, "data/timeseries.duckdb")]);
    const config = join(folder, "collector.yaml");
    const [http, mqtt] = [await freePort(), await freePort()];
    writeFileSync(config, `listen: { http: "127.0.0.1:${http}", mqtt: "127.0.0.1:${mqtt}" }\ndata: ./data\n`);
    const words = ["--disable-warning=ExperimentalWarning", join(ROOT, "collector/main.ts"), "collector"];
    const child = spawn(process.execPath, [...words, "--config", config], { stdio: ["ignore", "ignore", "pipe"] });
    onCleanUp(() => void child.kill("SIGKILL"));
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
    });
    const ended = new Promise((done) => child.once("exit", done));
    await waitFor("the store before it", () => existsSync(join(folder, "data/state.sqlite")));
    child.kill("SIGTERM");
    await ended;
    expect(said).toMatch(/time-series store.*part_stop_failed/);
  });
});
