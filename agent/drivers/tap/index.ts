import { err, ok } from "@aislewatch/base";
import { durationMsBetween } from "@aislewatch/config";
import { realClock } from "@aislewatch/runtime";
import { z } from "zod";
import { Listener } from "../../transport/listen.ts";
import type { MessageEnd } from "../../transport/listen-meter.ts";
import { defineDriver } from "../driver.ts";
import {
  type LineConfig,
  lineAddress,
  lineKey,
  lineSchema,
  NOWHERE,
  openStream,
  SERIAL_9600_8N1,
} from "../line-config.ts";
import { METRICS, parse, type TapReply } from "./parse.ts";

const TERMINATORS = { cr: 0x0d, lf: 0x0a, etx: 0x03, eot: 0x04 } as const;

const config = z.strictObject({
  line: lineSchema({ tcpPort: null, serial: SERIAL_9600_8N1 }),
  /** What ends a message; without it, a pause does. */
  terminator: z.enum(["cr", "lf", "etx", "eot"]).optional(),
  gap: durationMsBetween(5, 60_000).default(100),
});
type Config = {
  readonly line: LineConfig;
  readonly terminator?: keyof typeof TERMINATORS | undefined;
  readonly gap: number;
};

const endOf = ({ terminator, gap }: Config): MessageEnd =>
  terminator === undefined ? { by: "gap", gapMs: gap } : { by: "terminator", byte: TERMINATORS[terminator] };

export default defineDriver<Config, TapReply>({
  name: "tap",
  title: "A line that is listened to, beside the program that owns it; never written to, and only counted",
  config,
  lineKey: ({ line }) => `tap:${lineKey(line)}`,
  address: ({ line }) => lineAddress(line),
  recorded: { config: { line: NOWHERE } },
  open({ config: device }) {
    const listener = new Listener({
      open: openStream(device.line),
      end: endOf(device),
      clock: realClock,
      random: Math.random,
    });
    return {
      async poll({ signal }) {
        await listener.start(signal);
        const { failure, receivedBytes, messages, idleMs, errors } = listener.figures;
        return failure === null ? ok({ receivedBytes, messages, idleMs, errors }) : err(failure);
      },
      parse,
      metrics: () => METRICS,
      profile: () => null,
      close: () => listener.close(),
    };
  },
});
