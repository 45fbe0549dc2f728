/** docs/add-a-device.md, from the recording on: the profile on the page reads the device that it is about. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runAgent } from "../../test/rig/command-line.ts";

const root = join(import.meta.dirname, "../..");
const recording = join(root, "../shared/devices/snmprec/linux_raspberrypi-gpiomonitor.snmprec");
const folder = mkdtempSync(join(tmpdir(), "aislewatch-add-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const page = readFileSync(join(root, "docs/add-a-device.md"), "utf8");
const profile = /```yaml\n( *profile: pi-door\n[\s\S]*?)```/.exec(page)?.[1]?.replace(/^ {3}/gm, "") ?? "";
mkdirSync(join(folder, "profiles"));
writeFileSync(join(folder, "profiles/pi-door.yaml"), profile);

const run = (...args: string[]) => runAgent(args);

describe("docs/add-a-device.md", () => {
  it("shows a profile that is right", async () => {
    expect(await run("profiles", "check", join(folder, "profiles/pi-door.yaml"))).toMatchObject({ code: 0 });
  });

  it.skipIf(!existsSync(recording) && process.env["CI"] === undefined)(
    "reads what no built-in profile does",
    async () => {
      const own = await run("probe", "--from", recording, "--profiles", join(folder, "profiles"), "--json");
      expect(own).toMatchObject({ code: 0, error: "" });
      const { profile: recognised, samples } = JSON.parse(own.out);
      expect(recognised).toBe("pi-door");
      expect(samples).toContainEqual({ component: "sensor-cabinet-door", metrics: { sensor_active: true } });
      const builtIn = await run("probe", "--from", recording, "--json");
      expect(builtIn.out, "else the page needs another example").not.toContain("sensor_active");
    },
  );
});
