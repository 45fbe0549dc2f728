/** A device that has an IPv6 address only: found, polled and heard, with Net-SNMP at both ends. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { startSnmpd } from "../rig/devices.ts";
import { cleanUp, freeUdpPort, runOnce, startAgent, startCollector, tempFolder, waitFor } from "../rig/rig.ts";

afterAll(cleanUp);

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));
if (!hasIPv6 && process.env["CI"]) throw new Error("the test of IPv6 needs a loopback interface that has ::1");

describe.skipIf(!hasIPv6)("a host that answers at an IPv6 address only", () => {
  it("is found in a subnet, as it is written, and is known again", async () => {
    const { port } = await startSnmpd("::1");
    const file = join(tempFolder(), "agent.yaml");
    const look = ["discover", "--subnet", "0:0:0:0::/120", "--port", String(port)];
    const found = await runOnce("agent/main.ts", [...look, "--out", file]);
    expect(found).toMatchObject({ code: 0, stderr: expect.stringContaining("1 device in 256 addresses") });
    expect(readFileSync(file, "utf8")).toContain(`    address: "[::1]:${port}"\n`);
    const probed = await runOnce("agent/main.ts", ["probe", "till-7", "--config", file, "--json"]);
    expect(JSON.parse(probed.stdout)).toMatchObject({ device: "till-7", profile: "host" });
    const again = await runOnce("agent/main.ts", [...look, "--config", file]);
    expect(again.stdout).toBe(`# Beside ${file}: 0 new, 0 gone, 0 changed, 1 as before.\n`);
  });

  it("is polled, and its traps are its events", async () => {
    const snmpd = await startSnmpd("::1");
    const traps = await freeUdpPort();
    const collector = await startCollector();
    await startAgent(
      collector,
      "store-1/pc",
      `  - { id: till-7, kind: host, driver: snmp, every: 1s, address: "[0:0::1]:${snmpd.port}" }\ntraps:\n  listen: "[::1]:${traps}"\n`,
    );
    type Detail = { device: { state: string }; events: { code: string }[] };
    const detail = () => collector.api<Detail>("/sites/store-1/device?id=till-7");
    await waitFor("an answer", async () => (await detail()).device.state === "up");
    const coldStart = "1.3.6.1.6.3.1.1.5.1";
    await promisify(execFile)("snmptrap", ["-v2c", "-c", "public", `udp6:[::1]:${traps}`, "", coldStart]);
    await waitFor("the event", async () => (await detail()).events.some(({ code }) => code === "rebooted"));
  });
});
