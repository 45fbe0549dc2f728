/**
 * The images of the Containerfiles, built from a release by a real engine and run as compose.yaml says: confined, asked for
 * their health as the engine asks, stopped as it stops them. The base is not Debian's image but this machine's files, and
 * both containers share a network without a way out.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { addHosting } from "../../deploy/release/hosting.ts";
import { TARGETS } from "../../deploy/release/target.ts";
import { makeTree } from "../../deploy/release/tree.ts";
import { Engine, mayHaveEngine } from "../rig/engine.ts";
import { cleanUp, tempFolder, waitFor } from "../rig/rig.ts";

const BASE = "docker.io/library/debian:trixie-slim";
const USER = 10_001;
const CONFIG = ["--config", "/etc/aislewatch/collector.yaml"];
const COMPOSE = "/usr/bin/docker-compose";

const composeFile = z.object({
  services: z.record(
    z.string(),
    z.object({
      read_only: z.boolean(),
      cap_drop: z.array(z.string()),
      security_opt: z.array(z.string()),
      tmpfs: z.array(z.string()),
      mem_limit: z.string(),
      pids_limit: z.number(),
      volumes: z.array(z.string()),
      secrets: z.array(z.string()),
      stop_grace_period: z.string().optional(),
    }),
  ),
});

describe.skipIf(!mayHaveEngine)("containers", () => {
  const folder = tempFolder();
  const deployed = join(folder, "aislewatch");
  const secret = (name: string): string => join(deployed, "secrets", name);
  let engine: Engine;
  let collector: string;

  /** What compose.yaml says of a service, in Podman's words. */
  function confined(name: string): readonly string[] {
    const { services } = composeFile.parse(
      parse(readFileSync(join(deployed, "compose.yaml"), "utf8"), { merge: true }),
    );
    const service = services[name];
    if (service === undefined) throw new Error(`no service ${name}`);
    return [
      ...(service.read_only ? ["--read-only", "--read-only-tmpfs=false"] : []),
      ...service.cap_drop.map((one) => `--cap-drop=${one}`),
      ...service.security_opt.map((one) => `--security-opt=${one.replace(":true", "")}`),
      ...service.tmpfs.map((one) => `--tmpfs=${one}`),
      ...[`--memory=${service.mem_limit}`, `--pids-limit=${service.pids_limit}`],
      ...service.volumes.map((one) => `--volume=${one.startsWith("./") ? join(deployed, one) : one}`),
      ...service.secrets.map((one) => `--volume=${secret(one)}:/run/secrets/${one}:ro`),
    ];
  }
  const inside = async (name: string, ...words: readonly string[]) => engine.podman(["exec", name, ...words]);
  const startCollector = () =>
    engine.run("--name=collector", "--network=none", ...confined("collector"), "localhost/aislewatch:test");
  const isHealthy = async (name: string): Promise<boolean> =>
    (await engine.podman(["healthcheck", "run", name])).code === 0;
  /** As the engine does it on a stop; returns the exit code. */
  async function stop(name: string): Promise<string> {
    await engine.done("stop", "--time", "60", name);
    return engine.done("inspect", "--format", "{{.State.ExitCode}}", name);
  }

  beforeAll(async () => {
    const target = TARGETS.find(({ name }) => name === `linux-${process.arch}`);
    if (target === undefined) throw new Error("no target for this machine");
    engine = await Engine.start();
    await engine.base(BASE);
    for (const product of ["aislewatch", "aislewatch-agent"] as const) {
      const context = join(folder, `${product}-release`);
      await makeTree({ product, target, folder: context, epoch: 0 });
      addHosting({ product, target, folder: context });
      await engine.build(
        context,
        `localhost/${product}:test`,
        ...(product === "aislewatch" ? [] : ["--build-arg=PACKAGES="]),
      );
    }
    cpSync(join(folder, "aislewatch-release/containers"), deployed, { recursive: true });
    for (const name of ["secrets", "mosquitto", "influxdb"]) mkdirSync(join(deployed, name));
    const names = "DNS:collector,DNS:localhost,IP:127.0.0.1";
    execFileSync("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "730"],
      ...["-subj", "/CN=aislewatch", "-addext", `subjectAltName=${names}`],
      ...["-keyout", secret("tls.key"), "-out", secret("tls.pem")],
    ]);
    for (const name of ["broker-password", "agent-password"]) writeFileSync(secret(name), "");
    for (const name of ["tls.key", "tls.pem", "broker-password", "agent-password"]) {
      chownSync(secret(name), USER, USER);
      chmodSync(secret(name), 0o400);
    }
    chmodSync(folder, 0o755);
  });
  afterAll(cleanUp);

  it.skipIf(!existsSync(COMPOSE))("have a compose file that compose takes, with every profile", () => {
    const profiles = ["agent", "mosquitto", "influxdb"].flatMap((name) => ["--profile", name]);
    execFileSync(COMPOSE, [...profiles, "config", "--quiet"], { cwd: deployed });
  });

  it("are healthy by their own check: a collector that is read-only, without root and without a capability", async () => {
    collector = await startCollector();
    await waitFor("a healthy collector", () => isHealthy("collector"));
    const { stdout } = await inside("collector", "cat", "/proc/1/status", "/proc/1/cmdline");
    expect(stdout).toMatch(/^Uid:\t10001\t10001\t10001\t10001$/m);
    expect(stdout).toMatch(/^CapBnd:\t0+$/m);
    expect(stdout).toMatch(/^NoNewPrivs:\t1$/m);
    expect(stdout).toContain("/node/bin/node\0");
    for (const path of ["/probe", "/usr/lib/aislewatch/probe", "/etc/aislewatch/probe"])
      expect((await inside("collector", "touch", path)).stderr, path).toMatch(/Read-only|Permission denied/);
  });

  it("let an agent in, which is healthy and reaches the collector over TLS", async () => {
    expect((await inside("collector", "aislewatch", "users", "add", "you", "--role", "admin", ...CONFIG)).code).toBe(0);
    const { stdout, code } = await inside("collector", "aislewatch", "agents", "add", "my-store/this-pc", ...CONFIG);
    expect(code).toBe(0);
    writeFileSync(secret("agent-password"), stdout);
    // One network for both: the collector's name is that of loopback.
    const hosts = join(folder, "hosts");
    writeFileSync(hosts, "127.0.0.1 localhost collector\n");
    const shared = [`--network=container:${collector}`, `--volume=${hosts}:/etc/hosts:ro`];
    await engine.run("--name=agent", ...shared, ...confined("agent"), "localhost/aislewatch-agent:test");
    await waitFor("a healthy agent", () => isHealthy("agent"));
    await waitFor("its collector", async () =>
      /mqtts:\/\/collector:8883, connected$/m.test((await inside("agent", "aislewatch-agent", "status")).stdout),
    );
  });

  it("end in order when they are stopped, and keep their data", async () => {
    expect([await stop("agent"), await stop("collector")]).toEqual(["0", "0"]);
    await engine.done("rm", "agent");
    await engine.done("rm", "collector");
    await startCollector();
    await waitFor("a healthy collector", () => isHealthy("collector"));
    expect((await inside("collector", "aislewatch", "users", "list", ...CONFIG)).stdout).toMatch(/^you\s+admin/m);
    expect(await engine.done("logs", "collector")).not.toContain("timeseries_empty");
  });

  it("are unhealthy when their program does not answer", async () => {
    await engine.done("kill", "--signal", "STOP", "collector");
    expect(await isHealthy("collector")).toBe(false);
    await engine.done("kill", "--signal", "CONT", "collector");
    await waitFor("a healthy collector", () => isHealthy("collector"));
  });
});
