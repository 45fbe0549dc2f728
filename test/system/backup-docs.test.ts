/** The commands of docs/backup.md, as they stand there, on a machine with the installed package. Its services are ours to start. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildDebs } from "../rig/debs.ts";
import { cleanUp, ROOT, tempFolder, waitFor } from "../rig/rig.ts";
import { mayHaveSecondMachine, SecondMachine, type Service } from "../rig/second-machine.ts";

const page = readFileSync(join(ROOT, "docs/backup.md"), "utf8");
const blocksOf = (kind: string): string[][] =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(([, text = ""]) =>
    text.trim().split("\n"),
  );
const [making = [], enabling = [], restoring = [], leaving = [], arriving = []] = blocksOf("sh");
const [service = [], timer = []] = blocksOf("ini");
const [cron = []] = blocksOf("text");
/** Of doctor: a warning, such as that a demo's token is all there is. */
const CODE_OF_WARNING = 1;

describe.skipIf(!mayHaveSecondMachine)("docs/backup.md", () => {
  const debs = tempFolder();
  let machine: SecondMachine;
  let running: Service | null = null;

  const start = async (): Promise<void> => {
    running = await machine.startService("aislewatch.service");
    await waitFor(
      "the collector",
      async () => (await machine.run("curl -fsS http://127.0.0.1:8080/healthz")).code === 0,
    );
  };
  const stop = async (): Promise<void> => {
    await running?.stop();
    running = null;
  };
  /** What the lines printed; those of systemctl are done by hand. */
  async function follow(lines: readonly string[]): Promise<string> {
    let said = "";
    const rest: string[] = [];
    const run = async (): Promise<void> => {
      const { code, stdout, stderr } = await machine.run(`set -e\n${rest.splice(0).join("\n")}`);
      const isDoctor = stdout.includes("data folder");
      expect([code === 0 || (isDoctor && code === CODE_OF_WARNING), stderr]).toEqual([true, ""]);
      said += stdout;
    };
    for (const line of lines) {
      if (!line.startsWith("systemctl")) rest.push(line);
      else {
        await run();
        if (/systemctl (stop|disable --now) aislewatch$/.test(line)) await stop();
        else if (line === "systemctl start aislewatch") await start();
        else throw new Error(`not known here: ${line}`);
        // A folder that one entered holds for the lines after it, too.
        rest.push("cd /var/lib/aislewatch");
      }
    }
    await run();
    return said;
  }
  const users = (): Promise<string> =>
    machine.done("runuser -u aislewatch -- aislewatch users list --config /etc/aislewatch/collector.yaml");

  beforeAll(async () => {
    await buildDebs(debs, "0.1.0");
    machine = await SecondMachine.start(debs);
    await machine.done("dpkg --install /mnt/aislewatch_0.1.0.deb </dev/null");
    await start();
    await machine.done(
      "cd /var/lib/aislewatch && runuser -u aislewatch -- aislewatch users add ana --config /etc/aislewatch/collector.yaml",
    );
  });
  afterAll(cleanUp);

  it("makes a backup of the running collector, and verifies it", async () => {
    expect(await follow(making)).toMatch(/aislewatch-.*tar\.zst: .*\n.* is whole: /);
    expect(await machine.done("stat -c '%a %U' /var/backups/aislewatch/*.tar.zst")).toBe("600 aislewatch\n");
    expect(await machine.done("tar --zstd -tf /var/backups/aislewatch/*.tar.zst")).toMatch(
      /^manifest\.json\ndata\/state\.sqlite\ndata\/timeseries\.duckdb\n(.*\n)*config\/collector\.yaml\nconfig\/sites\.yaml\n$/,
    );
  });

  it("has units in which systemd sees no mistake, and a command in both timers that works", async () => {
    await machine.write("/etc/systemd/system/aislewatch-backup.service", `${service.join("\n")}\n`);
    await machine.write("/etc/systemd/system/aislewatch-backup.timer", `${timer.join("\n")}\n`);
    const units = "/etc/systemd/system/aislewatch-backup.timer /etc/systemd/system/aislewatch-backup.service";
    expect(await machine.run(`systemd-analyze verify ${units}`)).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(enabling.every((line) => /^systemctl .*(daemon-reload|aislewatch-backup)/.test(line))).toBe(true);
    const nightly = service.find((line) => line.startsWith("ExecStart="))?.slice("ExecStart=".length) ?? "false";
    await machine.done(`cd /var/lib/aislewatch && runuser -u aislewatch -- ${nightly}`);
    const [, byCron = "false"] = /^30 2 \* \* \* aislewatch (.*)$/.exec(cron[0] ?? "") ?? [];
    await machine.done(`runuser -u aislewatch -- sh -c '${byCron}'`);
    expect(await machine.done("ls /var/backups/aislewatch | wc -l")).toBe("3\n");
  });

  it("restores it, and the collector runs as before", async () => {
    await machine.done(
      "cd /var/lib/aislewatch && runuser -u aislewatch -- aislewatch users add ben --config /etc/aislewatch/collector.yaml",
    );
    const said = await follow(restoring);
    expect(said).toMatch(/what was there: .*before-restore-/);
    expect(said).toMatch(/its configuration, .*config-of-backup/);
    expect(await users()).toMatch(/ana/);
    expect(await users()).not.toMatch(/ben/);
  });

  it("takes it to another host", async () => {
    await follow(leaving);
    await machine.done("find /var/lib/aislewatch -mindepth 1 -delete");
    await follow(arriving);
    expect(await users()).toMatch(/ana/);
    await stop();
  });
});
