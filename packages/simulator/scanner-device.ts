/**
 * A barcode scanner's part of the talk: what it answers to Honeywell's menu commands, to Datalogic's host commands, and
 * over Zebra's SSI. What is scanned meanwhile comes on the same line, before an answer.
 */
import type { Dialogue } from "./byte-device.ts";
import type { LiveDevice } from "./live-device.ts";
import { isLaserFailed, isMotorFailed, type ScannerState } from "./models/scanner.ts";

export type ScannerIdentity = { readonly model: string; readonly firmware: string; readonly serial: string };

export type Scanner = {
  readonly device: LiveDevice<ScannerState>;
  readonly identity: ScannerIdentity;
  /** What was scanned before an answer, as the scanner sends it; none unless given. */
  readonly scanned?: () => string;
};

const COMMAND_CHARS_MAX = 64;
const PREFIX = "\u0016M\r";

/** Honeywell: `SYN M CR`, commands, `.` or `!`. What is no command is not answered. */
export const honeywellDialogue = (scanner: Scanner) => (): Dialogue => {
  let tail = "";
  return {
    take(bytes) {
      const pieces = (tail + Buffer.from(bytes).toString("latin1")).split(/(?<=[.!])/);
      tail = /[.!]$/.test(pieces.at(-1) ?? "") ? "" : (pieces.pop() ?? "").slice(-COMMAND_CHARS_MAX);
      return pieces.flatMap((piece) => {
        const at = piece.lastIndexOf(PREFIX);
        if (at < 0) return [];
        return [`${scanner.scanned?.() ?? ""}${honeywellAnswer(scanner, piece.slice(at + PREFIX.length))}`];
      });
    },
  };
};

function honeywellAnswer({ identity }: Scanner, command: string): string {
  const [tag, end] = [command.slice(0, -1).toUpperCase(), command.slice(-1)];
  if (tag === "CBRENA?") return `CBRENA1\u0006${end}`;
  if (tag !== "REVINF") return `${tag}\u0005${end}`;
  const lines = [
    `Product Name: ${identity.model}`,
    "Boot Revision: : 8992",
    `Software Part Number: ${identity.firmware}`,
    "Software Revision: $Project$Revision: 16435 ",
    `Serial Number: ${identity.serial}`,
    "Supported IF: Standard",
    "PCB Assembly ID: 000000",
    "Engine Firmware Type: N/A   Revision: N/A   Serial Number: N/A   Checksum: N/A",
  ];
  return `${lines.map((line) => `${line}\r\n`).join("")}REVINF\u0006${end}`;
}

/** Datalogic: one byte is a command. `isFramed`: newer models; true unless given. */
export const datalogicDialogue = (scanner: Scanner & { readonly isFramed?: boolean }) => (): Dialogue => ({
  take: (bytes) =>
    [...Buffer.from(bytes).toString("latin1")].flatMap((command) => {
      const items = datalogicItems(scanner, command);
      if (items === null) return [];
      const answer =
        scanner.isFramed === false
          ? items.map((item) => `${item}\r`).join("")
          : `\u0001\u0002${items.join("\r")}\u0003\u0004`;
      return [`${scanner.scanned?.() ?? ""}${answer}`];
    }),
});

function datalogicItems({ device, identity }: Scanner, command: string): readonly string[] | null {
  const state = device.state();
  const judged = (failed: boolean): string => (failed ? "FAIL" : "OK");
  if (command === "h") return [`m${judged(isMotorFailed(state))}`, `h${judged(isLaserFailed(state))}`, "vNA", "sNA"];
  if (command === "i")
    return [`M${identity.model}`, `S${identity.serial}`, "AR96-1234", `R${identity.firmware}`, "I05"];
  return null;
}

const REVISION_REQUEST = 0xa3;
const MANAGEMENT = 0x80;
const ATTRIBUTE_GET = 2;
const PACKET_BYTES_MAX = 257;

/** SSI: a packet in, a packet out. A cordless one has a battery; true unless given. */
export const ssiDialogue = (scanner: Scanner & { readonly isCordless?: boolean }) => (): Dialogue => {
  let tail = Buffer.alloc(0);
  return {
    take(bytes) {
      tail = Buffer.concat([tail, bytes]).subarray(-2 * PACKET_BYTES_MAX);
      const answers: string[] = [];
      for (let length = tail[0] ?? 0; tail.length >= length + 2 && length >= 4; length = tail[0] ?? 0) {
        const answer = ssiAnswer(scanner, tail.subarray(0, length));
        tail = tail.subarray(length + 2);
        answers.push(`${scanner.scanned?.() ?? ""}${answer}`);
      }
      return answers;
    },
  };
};

function ssiAnswer(scanner: Scanner & { readonly isCordless?: boolean }, packet: Buffer): string {
  const { identity, device, isCordless = true } = scanner;
  if (packet[1] === REVISION_REQUEST) return ssiPacket(0xa4, `${identity.firmware} 20 CORE 1A2B`);
  if (packet[1] !== MANAGEMENT || packet[6] !== ATTRIBUTE_GET) return ssiPacket(0xd1, "\u0002");
  const attribute = packet.readUInt16BE(8);
  const texts: Readonly<Record<number, string>> = {
    533: identity.model,
    534: identity.serial,
    20004: identity.firmware,
  };
  const text = texts[attribute];
  if (text !== undefined) return management(attribute, `S\u0001${sized(`${text}\0`)}`);
  if (attribute === 30_018 && isCordless) {
    return management(attribute, `B\u0001${String.fromCharCode(Math.round(device.state().chargePercent))}`);
  }
  return management(null, "");
}

/** A code in a packet of its own, as SSI sends what was scanned (DECODE_DATA, F3; 0B: EAN-13). */
export const ssiScan = (code: string): string => ssiPacket(0xf3, `\u000b${code}`);

const word = (value: number): string => String.fromCharCode(value >> 8, value & 0xff);
const sized = (text: string): string => `${word(text.length)}\0\0${text}`;

function management(attribute: number | null, value: string): string {
  const attributes = `${attribute === null ? "" : word(attribute)}${value}\u00ff\u00ff`;
  return ssiPacket(MANAGEMENT, `${word(attributes.length + 4)}\u0002\0${attributes}`);
}

function ssiPacket(opcode: number, data: string): string {
  const body = Buffer.from(`${String.fromCharCode(4 + data.length, opcode, 0, 0)}${data}`, "latin1");
  const sum = body.reduce((total, byte) => total + byte, 0);
  return `${body.toString("latin1")}${word(-sum & 0xffff)}`;
}
