/** `discover`, `probe` and `record` as programs, at devices on serial lines and TCP ports. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { realClock } from "@aislewatch/runtime";
import {
  bringToLife,
  escposDialogue,
  labelPrinter,
  receiptPrinter,
  scale,
  seededRandom,
  sicsDialogue,
  startTcpDevice,
  toledoDialogue,
  zplDialogue,
} from "@aislewatch/simulator";
import { SerialPort } from "serialport";
import { afterAll, describe, expect, it } from "vitest";
import { cleanUp, onCleanUp, runOnce, tempFolder, waitFor } from "../rig/rig.ts";
import { LINES, simulatedLine } from "../rig/simulated-line.ts";

afterAll(cleanUp);

const random = seededRandom(7);
const onEnd = (end: () => unknown): void => onCleanUp(async () => void (await end()));
const agent = (...args: readonly string[]) => runOnce("agent/main.ts", args);
const identity = { name: "dock-1", model: "ZT411", serial: "99J204500217", firmware: "V92.21.39Z", location: "Dock" };
const YAML_HEAD = 'site: s\nagent: a\ncollector: { url: "mqtt://127.0.0.1:1883" }\ndevices:\n';

type Json = { samples: { metrics: Record<string, unknown> }[]; asset: Record<string, string>; exchanges: object[] };
const json = ({ stdout }: { stdout: string }): Json => JSON.parse(stdout) as Json;
/** But for what differs with each poll. */
const metricsOf = (ran: { stdout: string }): object => {
  const { poll_duration_seconds: _, ...metrics } = json(ran).samples[0]?.metrics ?? {};
  return metrics;
};

describe.skipIf(!LINES.includes("serial"))("a port with a receipt printer", { concurrent: true }, () => {
  it("is asked by name, probed, recorded, and read from the file as from the port", async () => {
    const device = bringToLife(receiptPrinter(), realClock, random);
    const { line } = await simulatedLine("serial", escposDialogue({ device }), onEnd);
    const port = "serial" in line ? line.serial : "";
    const path = (name: string, folder = tempFolder()): string => join(folder, name);
    const [yaml, file] = [path("agent.yaml"), path("printer.json")];

    const found = await agent("discover", "--ask", port, "--out", yaml);
    expect(found).toMatchObject({ code: 0, stdout: "" });
    expect(found.stderr).toMatch(/^weight_lines: [\s\S]*nothing: listened[\s\S]*^escpos: answered\n/m);
    expect(found.stderr, "what comes after the right answer").not.toContain("star");
    expect(readFileSync(yaml, "utf8")).toMatch(/kind: receipt_printer\n {4}driver: escpos\n {4}line: \{ serial: /);
    expect(await agent("check", "--config", yaml)).toMatchObject({ code: 0 });
    const again = await agent("discover", "--ask", port, "--config", yaml);
    expect(again.stdout).toMatch(/: 0 new, 0 gone, 0 changed, 1 as before\.\n$/);

    device.fault("cover-open");
    const id = /- id: (.*)/.exec(readFileSync(yaml, "utf8"))?.[1] ?? "";
    const live = await agent("probe", id, "--config", yaml, "--json");
    expect(metricsOf(live)).toMatchObject({ up: true, cover_open: true });
    const raw = await agent("probe", id, "--config", yaml, "--raw");
    expect(raw.stdout).toMatch(
      /^offlineCause, \d+ ms\n {2}sent \\x10\\x04\\x02 {3}\(100402\)\n {2}came \\x[0-9a-f]{2}\n/m,
    );

    expect(await agent("record", id, "--config", yaml, "--out", file)).toMatchObject({ code: 0, stdout: "" });
    const replayed = await agent("probe", "--from", file, "--json");
    expect(metricsOf(replayed)).toEqual(metricsOf(live));
    const asDevice = await agent("probe", id, "--from", file, "--config", yaml, "--json");
    expect(JSON.parse(asDevice.stdout)).toMatchObject({ device: id });
  });

  it("that another program has is left alone, and the failure says so", async () => {
    const device = bringToLife(receiptPrinter(), realClock, random);
    const { line } = await simulatedLine("serial", escposDialogue({ device }), onEnd);
    const port = "serial" in line ? line.serial : "";
    const owner = new SerialPort({ path: port, baudRate: 9600, lock: true, autoOpen: false });
    await new Promise<void>((resolve, reject) => owner.open((error) => (error ? reject(error) : resolve())));
    onCleanUp(() => new Promise<void>((resolve) => owner.close(() => resolve())));
    const yaml = join(tempFolder(), "agent.yaml");
    writeFileSync(
      yaml,
      `${YAML_HEAD}  - { id: r, kind: receipt_printer, driver: escpos, line: { serial: ${port} } }\n`,
    );
    const probed = await agent("probe", "r", "--config", yaml);
    expect(probed).toMatchObject({ code: 1, stdout: "" });
    expect(probed.stderr).toMatch(/^r \(escpos, .*\): busy: .* is in use by [\s\S]*driver: presence/);
    const asked = await agent("discover", "--ask", port);
    expect(asked.code).toBe(1);
    expect(asked.stderr).toMatch(/was not asked to the end: .* is in use by/);
  });
});

describe.skipIf(!LINES.includes("serial"))("ports with scales", { concurrent: true }, () => {
  it.each([
    { name: "a Toledo", driver: "toledo_8217", dialogue: toledoDialogue },
    {
      name: "a balance that had a foreign question in its line",
      driver: "mt_sics",
      dialogue: ({ device }: Parameters<typeof toledoDialogue>[0]) =>
        sicsDialogue({ device, identity: { model: "XS204", firmware: "3.12", serial: "B021004217" } }),
    },
  ])("$name is found when somebody says that it is a scale", async ({ driver, dialogue }) => {
    const device = bringToLife(scale(), realClock, random);
    const { line } = await simulatedLine("serial", dialogue({ device }), onEnd);
    const port = "serial" in line ? line.serial : "";
    // Asked again, as a person would, when the machine stood still for longer than an answer may take.
    const found = await waitFor("an answer", async () => {
      const { stdout } = await agent("discover", "--ask", port, "--kind", "scale", "--json");
      const { serial } = JSON.parse(stdout) as { serial: { isGuess: boolean }[] };
      return serial.some(({ isGuess }) => !isGuess) && serial;
    });
    expect(found).toMatchObject([{ kind: "scale", driver, isGuess: false }]);
  });
});

describe.skipIf(!LINES.includes("serial"))("a port of which nobody says what hangs there", { concurrent: true }, () => {
  it("is asked in control characters only", async () => {
    const sent: string[] = [];
    const mute = () => ({
      take(bytes: Uint8Array) {
        sent.push(Buffer.from(bytes).toString("latin1"));
        return [];
      },
    });
    const { line } = await simulatedLine("serial", mute, onEnd);
    const port = "serial" in line ? line.serial : "";
    const ran = await agent("discover", "--ask", port, "--json");
    expect(ran.stderr).toContain("nobody answered; what speaks in letters is asked with --kind");
    expect(JSON.parse(ran.stdout)).toMatchObject({ serial: [{ isGuess: true }] });
    expect(sent.join("")).toBe("\u0010\u0004\u0001\u001b\u0006\u0001\u0005");
  });
});

describe("a label printer at port 9100", { concurrent: true }, () => {
  it("is noted by discover without a byte to it, and recorded without its serial number", async () => {
    const device = bringToLife(labelPrinter(identity), realClock, random);
    let taken = 0;
    const counted = () => {
      const talk = zplDialogue({ identity, device })();
      return {
        take(bytes: Uint8Array) {
          taken += bytes.length;
          return talk.take(bytes);
        },
      };
    };
    const speaker = { dialogue: counted, clock: realClock, random, paceMs: 1 };
    const started = await startTcpDevice({ ...speaker, address: "127.42.9.9", port: 9100 });
    if (!started.ok) throw new Error(started.error.detail);
    onCleanUp(() => started.value.stop());
    const address = `127.42.9.9:${started.value.line}`;

    const found = await agent("discover", "--subnet", "127.42.9.8/30", "--timeout", "200ms", "--ports");
    expect(found.code).toBe(0);
    if (started.value.line === 9100) {
      expect(found.stderr).toContain("1 open port at 1 address\n");
      expect(found.stdout).toMatch(/devices: \[\]\n {2}# 127\.42\.9\.9: port 9100 is open/);
    }
    expect(taken).toBe(0);
    const yaml = join(tempFolder(), "agent.yaml");
    writeFileSync(
      yaml,
      `${YAML_HEAD}  - { id: dock, kind: label_printer, driver: zpl, line: { tcp: "${address}" } }\n`,
    );

    const recorded = await agent("record", "dock", "--config", yaml);
    expect(recorded).toMatchObject({ code: 0, stderr: expect.stringContaining("replaced: 1 serial") });
    expect(recorded.stdout).not.toContain(identity.serial);
    const file = join(tempFolder(), "dock.json");
    writeFileSync(file, recorded.stdout);
    expect(json(await agent("probe", "--from", file, "--json")).asset).toMatchObject({
      model: expect.stringContaining("ZT411"),
      serial: "00X000000001",
    });
  });
});
