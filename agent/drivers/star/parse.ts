/**
 * Star line mode's status (`ESC ACK SOH`), from the Line Mode Command Specifications (pages 3-70 and 5-8 to 5-11) and
 * the TSP700's manual (pages 41 to 43). One block of 7 bytes or more:
 *
 *   1  header: how many bytes, packed; the only byte with bit 0 set
 *   2  version of the status, packed the same way
 *   3  bit 6 switched off-line at the printer, 5 cover open, 3 off-line, 2 drawer contact closed, 1 ETB done
 *   4  bit 6 stopped: head hot, 5 unrecoverable, 3 cutter, 2 mechanical
 *   5  bit 6 receive buffer ran over
 *   6  bit 3 paper end, 2 near the end (inner sensor), 1 near the end (outer sensor)
 *   8  print jobs ended (ETB), five bits; 9 presenter
 *
 * Bits 4 and 7 of every byte and bit 0 of all but the first are 0, so that a block is told from XON, XOFF and other
 * answers and its beginning is found in any stream. The newest whole block counts. What printers tell of models that
 * have no such part ("invalid" in the manual) is not looked at.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Value } from "@aislewatch/contract";
import type { DialectReply } from "../dialect.ts";
import type { Parsed, ParseError } from "../driver.ts";

export const METRICS = [
  "offline",
  "cover_open",
  "media_out",
  "media_low",
  "cutter_fault",
  "hardware_fault",
  "head_over_temperature",
  "recoverable_error",
  "buffer_full",
  "drawer_contact",
] as const;

export type Options = {
  /** At which level of its contact the drawer is open; how it is wired differs from store to store. */
  readonly drawer_open_is?: "high" | "low" | undefined;
};

/** Up to the paper sensors and the byte after them: shorter is no status of line mode. */
const BLOCK_BYTES_MIN = 7;
const BLOCK_BYTES_MAX = 31;

export const isWholeStatus = (said: string): boolean => newestBlock(said) !== null;

/** The newest block, which is all that `parse` reads: what stands around it is nobody's answer. */
export const keepStatus = (said: string): string => String.fromCharCode(...(newestBlock(said) ?? []));

export function parse(reply: DialectReply, options: Options): Result<Parsed, ParseError> {
  const said = reply["status"] ?? "";
  const block = newestBlock(said);
  if (block === null) return err({ detail: `no status block in ${said.length} bytes` });
  return ok({ samples: [{ component: null, metrics: metricsOf(block, options) }] });
}

function newestBlock(said: string): readonly number[] | null {
  const bytes = [...said].map((character) => character.charCodeAt(0));
  let newest: readonly number[] | null = null;
  for (let at = 0; at < bytes.length; ) {
    const block = blockAt(bytes, at);
    newest = block ?? newest;
    at += block?.length ?? 1;
  }
  return newest;
}

function blockAt(bytes: readonly number[], at: number): readonly number[] | null {
  const header = bytes[at] ?? 0;
  if ((header & 0x91) !== 0x01) return null;
  const length = unpacked(header);
  if (length < BLOCK_BYTES_MIN || length > BLOCK_BYTES_MAX || at + length > bytes.length) return null;
  const block = bytes.slice(at, at + length);
  return block.slice(1).every((byte) => (byte & 0x91) === 0) ? block : null;
}

/** Bits 1 to 3 and, after the fixed bit 4, bits 5 and 6. */
const unpacked = (byte: number): number => ((byte >> 1) & 0x07) | ((byte >> 2) & 0x18);

function metricsOf(block: readonly number[], { drawer_open_is: openIs }: Options): Record<string, Value> {
  const [, , printer = 0, errors = 0, buffer = 0, sensors = 0] = block;
  const contact = isSet(printer, 2);
  return {
    offline: isSet(printer, 3),
    cover_open: isSet(printer, 5),
    media_out: isSet(sensors, 3),
    media_low: isSet(sensors, 2) || isSet(sensors, 1),
    cutter_fault: isSet(errors, 3),
    hardware_fault: isSet(errors, 5),
    head_over_temperature: isSet(errors, 6),
    recoverable_error: isSet(errors, 2),
    buffer_full: isSet(buffer, 6),
    drawer_contact: contact,
    ...(openIs !== undefined && { drawer_open: contact === (openIs === "high") }),
  };
}

const isSet = (byte: number, bit: number): boolean => ((byte >> bit) & 1) === 1;
