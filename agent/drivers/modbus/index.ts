import { asWritten, durationMsBetween, suggest } from "@aislewatch/config";
import { type Kind, loadBuiltinMaps, modbusPlan, type RegisterMap } from "@aislewatch/devices";
import { realClock } from "@aislewatch/runtime";
import { z } from "zod";
import { type DevicePoller, type Driver, defineDriver } from "../driver.ts";
import { type LineConfig, lineAddress, lineKey, lineSchema, NOWHERE, openLine } from "../line-config.ts";
import type { Request } from "../request.ts";
import { FRAMINGS, type Framing, findReply, frameOf, questionPdu } from "./frames.ts";
import { ModbusListener } from "./listen.ts";
import { metricsWith, parse, refusals } from "./parse.ts";
import { type Asked, ModbusPoll, type ModbusSettings, questionsOf } from "./poll.ts";
import type { ModbusReply } from "./types.ts";

export type ModbusConfig = {
  readonly line: LineConfig;
  readonly map: RegisterMap;
  readonly unit: number;
  readonly framing?: Framing | undefined;
  readonly request_timeout: number;
  readonly retries: number;
  readonly listen: boolean;
  readonly stale: number;
};

/** Units on a serial line; 0 is a broadcast, which no unit answers, and 248 to 255 are reserved (V1.02, 2.2). */
const RTU_UNIT_MAX = 247;

function mapName(maps: () => readonly RegisterMap[]): z.ZodType<RegisterMap> {
  return asWritten("the name of a register map", (written) => {
    if (typeof written !== "string") return { ok: false };
    const found = maps().find(({ name }) => name === written);
    if (found !== undefined) return { ok: true, value: found };
    const near = suggest(
      written,
      maps().map(({ name }) => name),
    );
    return {
      ok: false,
      code: "CFG_UNKNOWN_MAP",
      message: `expected the name of a register map; received "${written}"`,
      hint: near === null ? "aislewatch-agent profiles list names them" : `did you mean "${near}"?`,
    };
  });
}

function configOf(maps: () => readonly RegisterMap[]): z.ZodType<ModbusConfig> {
  return z
    .strictObject({
      // Modbus over Serial Line V1.02, 3.1: 19200 baud, even parity, is what a device has by default.
      line: lineSchema({
        tcpPort: 502,
        serial: { baudRate: 19_200, parity: "even", dataBits: 8, stopBits: 1, flow: "none" },
      }),
      map: mapName(maps),
      unit: z.int().min(0).max(255).default(1),
      /** `tcp` on a TCP line; `rtu` there is a terminal server's raw port. */
      framing: z.enum(FRAMINGS).optional(),
      /** Of one question; the device's own `timeout` is for the whole poll. */
      request_timeout: durationMsBetween(20, 30_000).default(1_000),
      retries: z.int().min(0).max(5).default(1),
      /** A PLC is the master: nothing is sent, and what it asks is heard. */
      listen: z.boolean().default(false),
      /** While listening: how long a value is known after it was heard. */
      stale: durationMsBetween(100, 3_600_000).default(60_000),
    })
    .superRefine((config, context) => {
      const complain = (key: string, message: string): void =>
        context.addIssue({ code: "custom", path: [key], message, params: { code: "CFG_VALUE" } });
      const framing = framingOf(config);
      if (framing === "rtu" && (config.unit < 1 || config.unit > RTU_UNIT_MAX)) {
        complain("unit", `expected a unit from 1 to ${RTU_UNIT_MAX} on a line of RTU`);
      }
      if (framing === "tcp" && config.listen) complain("framing", "expected rtu framing beside listen");
      if (framing === "tcp" && config.line.kind !== "tcp")
        complain("framing", "expected tcp framing on a TCP line only");
    });
}

/** What can be listened to is a bus of RTU, also behind a terminal server's raw port. */
const framingOf = ({ framing, line, listen }: Pick<ModbusConfig, "framing" | "line" | "listen">): Framing =>
  framing ?? (line.kind === "tcp" && !listen ? "tcp" : "rtu");

/** Above 19200 baud a frame begins after a fixed time (V1.02, 2.5.1.1). */
const SILENCE_MS_LEAST = 1.75;
const FAST_BAUD = 19_200;
/** Of a line behind a terminal server nobody says how fast it is: 3.5 characters of 9600 baud, of eleven bits. */
const SILENCE_MS_UNKNOWN = 4;

function silenceMs(line: LineConfig): number {
  if (line.kind === "tcp" || line.kind === "usblp") return SILENCE_MS_UNKNOWN;
  const { baudRate } = line.kind === "serial" ? line.serial : line.rfc2217;
  return Math.ceil(baudRate > FAST_BAUD ? SILENCE_MS_LEAST : Math.max(SILENCE_MS_LEAST, (3.5 * 11 * 1_000) / baudRate));
}

/** The Modbus driver over these maps: the shipped ones, and an operator's own. */
export function modbusDriver(maps: () => readonly RegisterMap[]): Driver<ModbusConfig, ModbusReply> {
  return defineDriver<ModbusConfig, ModbusReply>({
    name: "modbus",
    title: "Drive, PLC or meter that speaks Modbus RTU or TCP, by a register map",
    config: configOf(maps),
    // Every unit of a bus has the bus's key, so its devices wait for each other.
    lineKey: ({ line, listen }) => (listen ? `tap:${lineKey(line)}` : lineKey(line)),
    address: ({ line, unit }) => `${lineAddress(line)} unit ${unit}`,
    requests: ({ map, ...config }) =>
      config.listen ? [] : questionsOf(modbusPlan(map)).map((asked) => requestOf(asked, config)),
    options: ({ map, unit, framing }) => ({ map: map.name, unit, ...(framing !== undefined && { framing }) }),
    recorded: { config: { line: NOWHERE } },
    open: ({ config, kind }) => {
      const { map, line } = config;
      if (config.listen) return listening(config, kind);
      const settings: ModbusSettings = {
        framing: framingOf(config),
        unit: config.unit,
        requestTimeoutMs: config.request_timeout,
        retries: config.retries,
        silenceMs: silenceMs(line),
      };
      const poller = new ModbusPoll(openLine(line), questionsOf(modbusPlan(map)), settings, realClock);
      let refused: readonly string[] = [];
      return {
        poll: (context) => poller.poll(context),
        parse: (reply) => {
          refused = reply.kind === "asked" ? refusals(reply.said, map) : [];
          return parse(reply, { map, kind });
        },
        metrics: () => metricsWith(map, kind),
        profile: () => map.name,
        about: () => refused.map((text) => ["refused", text] as const),
        close: async () => {},
      };
    },
    withMaps: (own) => modbusDriver(() => own),
  });
}

function listening(config: ModbusConfig, kind: Kind): DevicePoller<ModbusReply> {
  const { map, line, unit, stale } = config;
  const listener = new ModbusListener(map, { line, unit, staleMs: stale });
  return {
    poll: (context) => listener.poll(context),
    parse: (reply) => parse(reply, { map, kind }),
    metrics: () => metricsWith(map, kind),
    profile: () => map.name,
    about: () => [["listening", "nothing is sent: a PLC asks, and its replies are heard"]],
    close: () => listener.close(),
  };
}

/** A question as all dialects show theirs; the transaction of TCP counts on from poll to poll. */
function requestOf({ name, role, question }: Asked, config: Omit<ModbusConfig, "map">): Request {
  const envelope = { framing: framingOf(config), unit: config.unit, transaction: 1 };
  return {
    name,
    role,
    bytes: Buffer.from(frameOf(questionPdu(question), envelope)).toString("latin1"),
    asks: question.kind === "read" ? `${question.count} of the table ${question.table}` : "who the device is",
    isWhole: (text) => findReply(Buffer.from(text, "latin1"), question, envelope).kind === "reply",
  };
}

export default modbusDriver(loadBuiltinMaps);
