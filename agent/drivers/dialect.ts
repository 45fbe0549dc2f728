/**
 * A dialect of fixed questions over a byte line: printers, scales, scanners, drives. A dialect is a table of what may be
 * asked and a function that understands the replies; this file is all that opens a line for it.
 *
 * **Read-only by construction.** A dialect has no way to send anything but the bytes of its table, and
 * `read-only.test.ts` holds every table to the list of commands that change nothing in any state of the device.
 *
 * How one poll goes is in dialect-poll.ts.
 */
import type { Result } from "@aislewatch/base";
import { z } from "zod";
import { DialectPoll } from "./dialect-poll.ts";
import { type Driver, defineDriver, type Parsed, type ParseError } from "./driver.ts";
import {
  baudRateOf,
  type LineConfig,
  type LineDefaults,
  lineAddress,
  lineKey,
  lineSchema,
  NOWHERE,
  openLine,
} from "./line-config.ts";
import type { Replies, Request } from "./request.ts";

export type DialectReply = Replies;

export type Dialect<Shape extends z.ZodRawShape> = {
  readonly name: string;
  readonly title: string;
  readonly line: LineDefaults;
  /** Keys of a device in agent.yaml beside `line`. */
  readonly options: Shape;
  /** In the order in which they are asked. */
  readonly requests: (config: ConfigOf<Shape>) => readonly Request[];
  readonly parse: (reply: DialectReply, config: ConfigOf<Shape>) => Result<Parsed, ParseError>;
  readonly metrics: (config: ConfigOf<Shape>) => readonly string[];
  /** What a reply tells beside metrics and asset, for a person (`probe`): settings, and a device's own words. */
  readonly about?: (reply: DialectReply) => readonly (readonly [name: string, text: string])[];
  /** Said with the failure when the line opened and nothing answered. */
  readonly silence?: string;
  /**
   * What the replies are made of; text unless given. In `codes` a byte that looks like a digit is a row of bits: five of
   * them in a row are no piece of a number, and packed digits are not known among them: `keep` of each request leaves
   * nothing but the device's own answer.
   */
  readonly replies?: "text" | "codes";
};

export type ConfigOf<Shape extends z.ZodRawShape> = { readonly line: LineConfig } & z.output<z.ZodObject<Shape>>;

export function defineDialect<Shape extends z.ZodRawShape>(
  dialect: Dialect<Shape>,
): Driver<ConfigOf<Shape>, DialectReply> {
  // zod can't tell what a strict object over an unknown shape yields; its two parts are what is put together here.
  const config = z.strictObject({ line: lineSchema(dialect.line), ...dialect.options }) as unknown as z.ZodType<
    ConfigOf<Shape>
  >;
  return defineDriver<ConfigOf<Shape>, DialectReply>({
    name: dialect.name,
    title: dialect.title,
    config,
    lineKey: ({ line }) => lineKey(line),
    address: ({ line }) => lineAddress(line),
    requests: dialect.requests,
    options: ({ line: _, ...options }) => plainOptions(options),
    recorded: { config: { line: NOWHERE } },
    open({ config: device }) {
      const requests = dialect.requests(device);
      const silence = dialect.silence ?? "connected, but no reply";
      const replies = dialect.replies ?? "text";
      const asking = new DialectPoll({ requests, silence, replies, slackMs: slackMsOf(device.line) });
      return {
        poll: (context) => asking.poll(openLine(device.line), context),
        parse: (reply) => dialect.parse(reply, device),
        metrics: () => dialect.metrics(device),
        profile: () => null,
        about: () => dialect.about?.(asking.lastSaid) ?? [],
        close: async () => {},
      };
    },
  });
}

/** The options of a dialect are texts, numbers and switches; what is not set is not there. */
function plainOptions(options: object): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(options).filter(
      ([, value]) => typeof value === "string" || typeof value === "number" || typeof value === "boolean",
    ),
  );
}

/** Waits are for 9600 baud and more; what a status of 200 bytes takes longer on a slow wire comes on top. */
const STATUS_BITS = 200 * 11;
const USUAL_BAUD = 9600;

export function slackMsOf(line: LineConfig): number {
  const baud = baudRateOf(line) ?? USUAL_BAUD;
  return Math.max(0, Math.round(1_000 * STATUS_BITS * (1 / baud - 1 / USUAL_BAUD)));
}
