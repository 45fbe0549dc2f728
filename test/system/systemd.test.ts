/**
 * The services of the Debian packages under a systemd that runs, in a guest: started, confined as their units say, started
 * again when they are killed, reloaded and stopped.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildDebs } from "../rig/debs.ts";
import type { Guest } from "../rig/guest/guest.ts";
import { cleanUp, tempFolder, waitFor } from "../rig/rig.ts";
import { SecondMachine } from "../rig/second-machine.ts";
import { bootSystemd, systemdMissing } from "../rig/systemd-vm/vm.ts";

/** Emulated: what takes two seconds elsewhere takes twenty. */
const COMMAND_MS_MAX = 200_000;
const PATIENCE_MS = 180_000;
const COLLECTOR = "aislewatch.service";
const AGENT = "aislewatch-agent.service";
/** Of capabilities(7), as a mask: CAP_NET_BIND_SERVICE is the tenth. */
const NET_BIND_SERVICE = 1n << 10n;

describe.skipIf(systemdMissing())("services of the Debian packages under systemd", () => {
  let guest: Guest;

  const run = (command: string): Promise<string> => guest.run(command, COMMAND_MS_MAX);
  const of = async (unit: string, ...properties: string[]): Promise<string[]> => {
    const said = await run(`systemctl show ${unit} ${properties.map((one) => `--property=${one}`).join(" ")}`);
    const values = new Map(said.split("\n").map((line) => line.split("=", 2) as [string, string]));
    return properties.map((one) => values.get(one) ?? "");
  };
  const pidOf = async (unit: string): Promise<number> => Number((await of(unit, "MainPID"))[0]);
  /** What its process is allowed to, by /proc. */
  const status = async (unit: string) => {
    const text = await run(`cat /proc/${await pidOf(unit)}/status`);
    const field = (name: string): string => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(text)?.[1] ?? "";
    return {
      user: Number(field("Uid")),
      may: BigInt(`0x${field("CapEff")}`),
      newPrivs: field("NoNewPrivs"),
      seccomp: field("Seccomp"),
    };
  };
  /** As the service sees the file system. */
  const within = async (unit: string, line: string): Promise<string> =>
    run(`nsenter --target ${await pidOf(unit)} --mount sh -c '${line}' 2>&1 || true`);
  /** This very process of the agent reached the collector. */
  const isHeard = async (): Promise<boolean> => {
    const said = await run(`journalctl --no-pager -o cat _PID=${await pidOf(AGENT)}`);
    return (
      said.includes("uplink_connected") &&
      (await run("curl -s http://127.0.0.1:8080/metrics || true")).includes("\naislewatch_agents_connected 1\n")
    );
  };

  /** A failure says what systemd knows of both. */
  const fact = (name: string, check: () => Promise<void>): void =>
    it(name, () =>
      check().catch(async (thrown: unknown) => {
        const known = await run(
          `systemctl status --no-pager --full --lines 0 ${COLLECTOR} ${AGENT}; journalctl --no-pager -o short-monotonic -n 40`,
        ).catch(String);
        throw new Error(`${String(thrown)}\n${known}`, { cause: thrown });
      }),
    );

  beforeAll(async () => {
    const debs = tempFolder();
    await buildDebs(debs, "0.1.0");
    const machine = await SecondMachine.start(debs);
    // Out there, where it takes seconds and not minutes: nothing of it hangs on a systemd that runs.
    await machine.done("rm -rf /etc/systemd/system/*");
    await machine.done("dpkg --install /mnt/*.deb </dev/null");
    const password = "/var/lib/aislewatch/agent-password";
    await machine.done("install -d -o aislewatch -g aislewatch -m 0750 /var/lib/aislewatch");
    await machine.done(
      `runuser -u aislewatch -- aislewatch agents add my-store/this-pc --config /etc/aislewatch/collector.yaml --out ${password}`,
    );
    // All of the rules take an emulated processor half a minute.
    await machine.done("echo 'rules: [/usr/lib/aislewatch/rules/packs/agent.yaml]' >> /etc/aislewatch/collector.yaml");
    guest = await bootSystemd(machine);
  });
  afterAll(cleanUp);

  fact("start, but for an agent that nobody let in", async () => {
    await run(`systemctl start ${COLLECTOR} ${AGENT}`);
    expect(await of(COLLECTOR, "ActiveState", "UnitFileState")).toEqual(["active", "enabled"]);
    expect(await of(AGENT, "ActiveState", "ConditionResult", "UnitFileState")).toEqual(["inactive", "no", "enabled"]);
  });

  fact("start the agent once it has a password, and the collector hears it", async () => {
    await run("install -m 0640 -g aislewatch-agent /var/lib/aislewatch/agent-password /etc/aislewatch/agent-password");
    await run(`systemctl restart ${AGENT}`);
    await waitFor("the collector to hear the agent", isHeard, PATIENCE_MS);
    for (const unit of [COLLECTOR, AGENT])
      expect(await of(unit, "ActiveState", "SubState")).toEqual(["active", "running"]);
  });

  fact("are confined as their units say", async () => {
    for (const [unit, user, may] of [
      [COLLECTOR, "aislewatch", 0n],
      [AGENT, "aislewatch-agent", NET_BIND_SERVICE],
    ] as const) {
      const uid = Number(await run(`id -u ${user}`));
      expect([unit, await status(unit)]).toEqual([unit, { user: uid, may, newPrivs: "1", seccomp: "2" }]);
      expect(await within(unit, `touch /etc/x /usr/x`)).toMatch(
        /etc\/x.*Read-only file system\n.*usr\/x.*Read-only file system/,
      );
      expect(await within(unit, "ls /home /root")).not.toMatch(/bash/);
      expect(await within(unit, `touch /var/lib/${user}/x && rm /var/lib/${user}/x`)).toBe("");
      expect(await run(`stat -c "%U %a" /var/lib/${user}`)).toMatch(new RegExp(`^${user} 7.0`));
    }
    expect(await of(AGENT, "MemoryMax", "DevicePolicy", "ProtectHome")).toEqual([
      String(512 * 2 ** 20),
      "closed",
      "yes",
    ]);
  });

  fact("are started again when they are killed", async () => {
    const before = await pidOf(AGENT);
    await run(`kill -9 ${before}`);
    await waitFor("another agent", async () => {
      const [state, restarts] = await of(AGENT, "ActiveState", "NRestarts");
      return state === "active" && restarts === "1";
    });
    expect(await pidOf(AGENT)).not.toBe(before);
    await waitFor("the collector to hear it", isHeard, PATIENCE_MS);
  });

  fact("take a changed configuration by a reload, and stay up with a faulty one", async () => {
    const before = await pidOf(AGENT);
    await run(`echo 'nonsense: 1' >> /etc/aislewatch/agent.yaml && systemctl reload ${AGENT}`);
    await waitFor("the complaint", async () => /CFG_\w+/.test(await run(`journalctl --no-pager -u ${AGENT} -o cat`)));
    expect(await pidOf(AGENT)).toBe(before);
  });

  fact("stop at once and in order", async () => {
    await run(`systemctl stop ${AGENT} ${COLLECTOR}`);
    for (const unit of [AGENT, COLLECTOR])
      expect(await of(unit, "ActiveState", "Result", "ExecMainStatus")).toEqual(["inactive", "success", "0"]);
  });
});
