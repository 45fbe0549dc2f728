import { parseYaml } from "@aislewatch/config";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { slackMsOf } from "./dialect.ts";
import { lineSchema, SERIAL_9600_8N1 } from "./line-config.ts";

const schema = lineSchema({ tcpPort: null, serial: SERIAL_9600_8N1 });

describe("the wait for a reply", () => {
  it.each([
    { line: { serial: "/dev/ttyS0", baud_rate: 300 }, ms: 7_104 },
    { line: { serial: "/dev/ttyS0", baud_rate: 1200 }, ms: 1_604 },
    { line: { rfc2217: "server:4001", baud_rate: 2400 }, ms: 688 },
    { line: { serial: "/dev/ttyS0" }, ms: 0 },
    { line: { serial: "/dev/ttyS0", baud_rate: 115_200 }, ms: 0 },
    { line: { tcp: "printer:9100" }, ms: 0 },
  ])("is longer by $ms ms on $line", ({ line, ms }) => expect(slackMsOf(schema.parse(line))).toBe(ms));
});

describe("a line of two kinds", () => {
  it.each([
    { name: "two ways", line: '{ serial: /dev/ttyS0, tcp: "h:1" }', hint: `it can't stand beside "tcp"` },
    { name: "a part of a key", line: "{ serial: /dev/ttyS0, baud: 9600 }", hint: `did you mean "baud_rate"?` },
  ])("is refused with what is wrong: $name", ({ line, hint }) => {
    const parsed = parseYaml({ file: "agent.yaml", text: `line: ${line}\n` }, z.strictObject({ line: schema }));
    expect(parsed).toMatchObject({ diagnostics: [{ code: "CFG_UNKNOWN_KEY", hint }] });
  });
});

describe("the path of a port", () => {
  it.each(["/dev/ttyUSB0", "/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0", "COM3", "\\\\.\\COM12"])(
    "is taken: %s",
    (serial) => expect(schema.safeParse({ serial }).success).toBe(true),
  );
  it.each(["ttyUSB0", "./ttyUSB0", "", "/dev/tty\nUSB0", "COMA"])("is refused: %j", (serial) =>
    expect(schema.safeParse({ serial }).success).toBe(false),
  );
});
