/** `discover` and `record` as programs, against Net-SNMP's agent and recorded devices played by snmpsimd. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startSnmpd, startSnmpsim, V3 } from "../rig/devices.ts";
import { cleanUp, recordingsMissing, runOnce, tempFolder } from "../rig/rig.ts";

afterAll(cleanUp);

describe("a host with Net-SNMP", { concurrent: true }, () => {
  it("is found by its v3 user, recorded without its name, and read from the file as from the host", async () => {
    const { port } = await startSnmpd();
    const folder = tempFolder();
    const path = (name: string): string => join(folder, name);
    writeFileSync(path("auth"), V3.auth);
    writeFileSync(path("priv"), V3.privacy);
    writeFileSync(
      path("credentials.yaml"),
      `users:\n  - { name: ${V3.user}, auth: { protocol: sha, password: file:auth }, privacy: { protocol: aes, password: file:priv } }\n`,
    );
    const look = [
      "discover",
      "--subnet",
      "127.0.0.0/29",
      "--port",
      String(port),
      "--credentials",
      path("credentials.yaml"),
    ];
    const found = await runOnce("agent/main.ts", [...look, "--out", path("agent.yaml")]);
    expect(found).toMatchObject({ code: 0 });
    expect(readFileSync(path("agent.yaml"), "utf8")).toMatch(
      /- id: till-7\n {4}kind: host\n[\s\S]*user: \{ name: "aisle"/,
    );
    const config = ["--config", path("agent.yaml")];
    expect(await runOnce("agent/main.ts", ["check", ...config])).toMatchObject({ code: 0 });
    const recorded = await runOnce("agent/main.ts", ["record", "till-7", ...config, "--out", path("till.json")]);
    expect(recorded).toMatchObject({ code: 0 });
    const text = readFileSync(path("till.json"), "utf8");
    for (const secret of ["till-7", "checkout", V3.user, V3.auth, V3.privacy]) expect(text).not.toContain(secret);
    const replayed = await runOnce("agent/main.ts", ["probe", "--from", path("till.json"), "--json"]);
    const live = await runOnce("agent/main.ts", ["probe", "till-7", ...config, "--json"]);
    const [was, is] = [live, replayed].map(({ stdout }) => JSON.parse(stdout));
    expect(is.profile).toBe(was.profile);
    expect(Object.keys(is.samples[0].metrics)).toEqual(Object.keys(was.samples[0].metrics));
  });
});

describe.skipIf(recordingsMissing())("recorded devices", { concurrent: true }, () => {
  it.each(["zebra", "konica_c250i", "linksys-ss_lgs318p", "apc_smt750x-nmc2"])(
    "%s is the same device after it was recorded over the wire",
    async (name) => {
      const { port } = await startSnmpsim([name]);
      const folder = tempFolder();
      const path = (file: string): string => join(folder, file);
      writeFileSync(path("community"), name);
      writeFileSync(path("credentials.yaml"), "communities: [file:community]\n");
      const look = [
        "discover",
        "--subnet",
        "127.0.0.1",
        "--port",
        String(port),
        "--credentials",
        path("credentials.yaml"),
      ];
      expect(await runOnce("agent/main.ts", [...look, "--out", path("agent.yaml")])).toMatchObject({ code: 0 });
      const [, id = ""] = /- id: (.*)/.exec(readFileSync(path("agent.yaml"), "utf8")) ?? [];
      const recorded = await runOnce("agent/main.ts", [
        "record",
        id,
        "--config",
        path("agent.yaml"),
        "--out",
        path("it.json"),
      ]);
      expect(recorded).toMatchObject({ code: 0 });
      const from = (file: string) => runOnce("agent/main.ts", ["probe", "--from", file, "--json"]);
      const original = await from(join(import.meta.dirname, `../../../shared/devices/snmprec/${name}.snmprec`));
      const [was, is] = [original, await from(path("it.json"))].map(({ stdout }) => JSON.parse(stdout));
      expect(is.profile).toBe(was.profile);
      expect({ ...is.asset, serial: null }).toEqual({ ...was.asset, serial: null });
      const metrics = (reading: { samples: { metrics: object }[] }) =>
        reading.samples.map((set) => ({ ...set.metrics, poll_duration_seconds: 0 }));
      expect(metrics(is)).toEqual(metrics(was));
    },
  );
});
