/**
 * Hostile devices pour card data into everything that they can say, in every form in which it crosses such lines, and
 * nothing of it is found afterwards in anything that a program of ours wrote, sent or showed.
 */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Dialogue } from "@aislewatch/simulator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { END_OF_MIB, startHostileSnmp, text } from "../rig/hostile-snmp.ts";
import {
  type CollectorRig,
  cleanUp,
  freePort,
  freeUdpPort,
  onCleanUp,
  type Program,
  runOnce,
  startCollector,
  startProgram,
  tempFolder,
  waitFor,
} from "../rig/rig.ts";
import { LINES, simulatedLine } from "../rig/simulated-line.ts";
import {
  DISCRETIONARY,
  ebcdic,
  grouped,
  hexOf,
  NAME,
  NUMBERS,
  POURS,
  packed,
  typed,
  wide,
} from "../rig/specimen-cards.ts";

/** The next of them, again and again. */
function pourer(): { next(): string; readonly count: number } {
  let count = 0;
  return {
    next: () => POURS[count++ % POURS.length] ?? "",
    get count() {
      return count;
    },
  };
}

/**
 * What must not be found: half a number, or what stood beside one, in any form. The first six digits and the last four
 * alone would be found in any megabyte of times and counters, so they are looked for where they stand alone.
 */
const halves = (number: string): readonly string[] => [number.slice(0, 8), number.slice(-8)];
/** What base64 makes of the middle of it, wherever in a group of three it begins. */
const inBase64 = (secret: string): readonly string[] =>
  ["", "x", "xx"].map((before) =>
    Buffer.from(before + secret)
      .toString("base64")
      .slice(4, 16),
  );
const SECRETS: readonly Buffer[] = [
  ...NUMBERS.flatMap((number) =>
    halves(number).flatMap((half) => [
      half,
      hexOf(half),
      hexOf(half).toUpperCase(),
      hexOf(half).replaceAll(/..(?=.)/g, "$& "),
      wide(half, "little"),
      wide(half, "big"),
      ebcdic(half),
      typed(half).slice(0, -13),
      ...(number.length % 2 === 0 ? [packed(half)] : [packed(number.slice(0, 8))]),
    ]),
  ),
  ...NUMBERS.flatMap((number) => [" ", "-", ".", "\u00a0"].map((between) => grouped(number, between).slice(0, 9))),
  ...[...NUMBERS, NAME].flatMap(inBase64),
  NAME,
  hexOf(NAME),
  DISCRETIONARY,
  hexOf(DISCRETIONARY),
].map((secret) => Buffer.from(secret, "latin1"));
const ALONE = new RegExp(
  `(?<![0-9a-f])(?:${NUMBERS.flatMap((number) => [number.slice(0, 6), number.slice(-4)]).join("|")})(?![0-9a-f])`,
);

function found(bytes: Buffer | string, { alone = true } = {}): string[] {
  const all = typeof bytes === "string" ? Buffer.from(bytes, "utf8") : bytes;
  const alsoLatin1 = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : all;
  const hits = SECRETS.filter((secret) => all.includes(secret) || alsoLatin1.includes(secret)).map((secret) =>
    secret.toString("latin1"),
  );
  const single = alone ? (ALONE.exec(all.toString("latin1"))?.slice(0, 1) ?? []) : [];
  return [...hits, ...single];
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

const STX = "\u0002";
const ETX = "\u0003";
const HOST_STATUS = `${STX}030,0,0,1225,000,0,0,0,000,0,0,0${ETX}\r\n${STX}001,0,0,0,1,3,6,0,00000000,1,000${ETX}\r\n`;
const ERROR_STATUS = `${STX}\r\n  PRINTER STATUS\r\n   ERRORS:   1 00000000 00000001\r\n   WARNINGS: 0 00000000 00000000\r\n${ETX}\r\n`;

/** A printer that says numbers in noise, in its frames, after them, and half in one answer and half in the next. */
function printerDialogue(pour: () => string): Dialogue {
  let half = "";
  return {
    take(bytes) {
      const asked = Buffer.from(bytes).toString("latin1");
      const said = pour();
      if (asked.includes("~HQES")) {
        const rest = half;
        half = "";
        return [`${rest}${ERROR_STATUS}${said}`];
      }
      if (asked.includes("~HI"))
        return [
          `${STX}ZT411 ${said.replaceAll(",", " ").replaceAll(STX, " ").replaceAll(ETX, " ")},V92.21.39Z,12,16384KB${ETX}\r\n`,
        ];
      if (asked.includes("~HQSN")) return [`${STX}\r\n  SERIAL NUMBER\r\n   ${said}\r\n${ETX}\r\n`];
      if (!asked.includes("~HS")) return [`"${said}"`];
      half = said.slice(said.length / 2);
      return [`${said}${HOST_STATUS}${STX}1234,0${ETX}\r\n${said.slice(0, said.length / 2)}`];
    },
  };
}

/** A balance whose answers hold numbers where a weight, an error and a serial number would stand. */
function balanceDialogue(pour: () => string): Dialogue {
  let turn = 0;
  return {
    take(bytes) {
      const asked = Buffer.from(bytes).toString("latin1").trim();
      const said = pour();
      if (asked !== "SI") return [`${said}\r\n${asked} A "${said.replaceAll('"', "")}"\r\n`];
      turn += 1;
      if (turn % 3 === 0) return [`S S ${said} g\r\nES ${said}\r\n`];
      return [`${said}\r\nS S     100.00 g\r\n`];
    },
  };
}

/** A scanner that scans cards all the time. */
function scannerDialogue(pour: () => string): Dialogue {
  return {
    take: (bytes) =>
      [...Buffer.from(bytes).toString("latin1")].map((asked) => {
        const [before, within, after] = [pour(), pour(), pour()];
        const frame = asked === "h" ? "mOK\rhFAIL\rsNA" : `M9400i ${within}\rS${within}\rRDR1 ${within}`;
        return `${before}\r\u0001\u0002${frame}\u0003\u0004${after}\r`;
      }),
  };
}

/** A till's printer that answers nothing else. */
const noiseDialogue = (pour: () => string): Dialogue => ({ take: () => [pour()] });

type Proxy = { readonly url: string; readonly bytes: () => Buffer; open(): void };

/** Between agent and broker: sees every byte of MQTT; refuses all until it is opened. */
async function startProxy(target: string): Promise<Proxy> {
  const { hostname, port } = new URL(target);
  const chunks: Buffer[] = [];
  let isOpen = false;
  const server = createServer((client) => {
    if (!isOpen) {
      client.destroy();
      return;
    }
    const broker = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ] as const) {
      from.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        to.write(chunk);
      });
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
    }
  });
  const at = await freePort();
  await new Promise<void>((done) => server.listen(at, "127.0.0.1", () => done()));
  onCleanUp(() => void server.close());
  return {
    url: `mqtt://127.0.0.1:${at}`,
    bytes: () => Buffer.concat(chunks),
    open: () => {
      isOpen = true;
    },
  };
}

describe("card data on every line", () => {
  const pour = pourer();
  let collector: CollectorRig;
  let proxy: Proxy;
  let agent: Program;
  let folder: string;
  let config: string;
  let devices: string[];

  beforeAll(async () => {
    const line = (dialogue: (say: () => string) => Dialogue, kind: "tcp" | "serial" = "tcp") =>
      simulatedLine(kind, () => dialogue(pour.next), onCleanUp as (end: () => unknown) => void);
    const printer = await line(printerDialogue);
    const balance = await line(balanceDialogue);
    const scanner = await line(scannerDialogue, LINES.includes("serial") ? "serial" : "tcp");
    const receipt = await line(noiseDialogue);
    const snmp = await startHostileSnmp((question, send) => {
      const oids = question.isGet ? question.oids : question.oids.map((oid) => `${oid}.1`);
      const value = (oid: string): Buffer => (oid.length > 60 ? END_OF_MIB : text(Buffer.from(pour.next(), "latin1")));
      send(question.answer(oids.map((oid) => ({ oid, value: value(oid) }))));
    });
    const traps = await freeUdpPort();
    collector = await startCollector();
    proxy = await startProxy(collector.mqtt);
    const password = await collector.addAgent("store-1/pc");
    folder = tempFolder();
    config = join(folder, "agent.yaml");
    const community = join(folder, "community");
    writeFileSync(community, "public");
    const lineOf = (device: { readonly line: object }): string => JSON.stringify(device.line);
    devices = ["till/printer", "till/balance", "till/scanner", "till/receipt", "net/switch"];
    writeFileSync(
      config,
      `site: store-1
agent: pc
collector: { url: "${proxy.url}", password: "file:${password}" }
data: ./data
devices:
  - { id: till/printer, kind: label_printer, driver: zpl, every: 400ms, line: ${lineOf(printer)} }
  - { id: till/balance, kind: scale, driver: mt_sics, every: 400ms, line: ${lineOf(balance)} }
  - { id: till/scanner, kind: barcode_scanner, driver: datalogic_scanner, every: 400ms, line: ${lineOf(scanner)} }
  - { id: till/receipt, kind: receipt_printer, driver: escpos, every: 400ms, line: ${lineOf(receipt)} }
  - { id: net/switch, kind: network_switch, driver: snmp, every: 1s, address: "127.0.0.1:${snmp.port}", community: "file:${community}" }
traps: { listen: "127.0.0.1:${traps}", community: "file:${community}" }
`,
    );
    agent = await startProgram("agent/main.ts", ["run", "--config", config, "--log-level", "debug"]);
    const trap = (...varbinds: string[]) =>
      promisify(execFile)("snmptrap", ["-v2c", "-c", "public", `127.0.0.1:${traps}`, "", ...varbinds]);
    for (const number of NUMBERS) {
      await trap("1.3.6.1.6.3.1.1.5.3", "1.3.6.1.2.1.31.1.1.1.1.7", "s", number);
      await trap("1.3.6.1.4.1.99999.0.1", "1.3.6.1.4.1.99999.1", "s", `;${number}=27121011${DISCRETIONARY}?`);
    }
    await waitFor("every form in all", () => pour.count >= 6 * POURS.length);
  });
  afterAll(cleanUp);

  const cli = async (...args: readonly string[]) => {
    const ran = await runOnce("agent/main.ts", [...args, "--config", config]);
    return `${ran.stdout}${ran.stderr}`;
  };

  it("is sure that what is looked for would be found", () => {
    for (const said of POURS) expect(found(Buffer.from(said, "latin1")), JSON.stringify(said)).not.toEqual([]);
  });

  it("stands in no byte of the outbox while the collector is away", async () => {
    const data = join(folder, "data");
    await waitFor("an outbox with readings", () => filesBelow(data).some((path) => /outbox/.test(path)));
    for (const path of filesBelow(data)) expect(found(readFileSync(path), { alone: false }), path).toEqual([]);
  });

  it("is shown by no command", async () => {
    const probe = async (device: string): Promise<void> => {
      for (const flags of [[], ["--raw"], ["--json"], ["--raw", "--json"]]) {
        expect(found(await cli("probe", device, ...flags)), `probe ${device} ${flags.join(" ")}`).toEqual([]);
      }
    };
    await Promise.all(devices.map(probe));
    for (const device of devices) {
      const out = join(folder, `${device.replace("/", "-")}.recording`);
      const said = await cli("record", device, "--out", out, "--timeout", "5s");
      expect(found(said), `record ${device}`).toEqual([]);
    }
    expect(found(await cli("status"))).toEqual([]);
    expect(found(await cli("check"))).toEqual([]);
    const recordings = filesBelow(folder).filter((path) => path.endsWith(".recording"));
    expect(recordings.length).toBeGreaterThanOrEqual(2);
    for (const path of recordings) expect(found(readFileSync(path)), path).toEqual([]);
  });

  it("goes to no collector, and stands in none of its files and answers", async () => {
    proxy.open();
    await waitFor("readings of every device", async () => {
      const seen = await collector.api<{ id: string; lastReadingAt: number | null }[]>("/sites/store-1/devices");
      return devices.every((id) => seen.some((one) => one.id === id && one.lastReadingAt !== null));
    });
    await waitFor("marks in their place", () => proxy.bytes().includes("[PAN:luhn:len"));
    for (const path of [
      "/sites",
      "/sites/store-1/devices",
      "/sites/store-1/events",
      "/incidents",
      ...devices.map((id) => `/sites/store-1/device?id=${id}`),
    ]) {
      expect(found(JSON.stringify(await collector.api<unknown>(path)), { alone: false }), path).toEqual([]);
    }
    await agent.stop();
    await collector.program.stop();
    expect(found(proxy.bytes(), { alone: false })).toEqual([]);
    for (const path of filesBelow(collector.folder)) {
      expect(found(readFileSync(path), { alone: false }), path).toEqual([]);
    }
    expect(found(collector.program.output(), { alone: false })).toEqual([]);
  });

  it("stands in no line of the agent's log, and in none of its files once it has stopped", () => {
    expect(agent.output().length).toBeGreaterThan(1_000);
    expect(found(agent.output(), { alone: false })).toEqual([]);
    for (const path of filesBelow(folder)) expect(found(readFileSync(path), { alone: false }), path).toEqual([]);
  });
});
