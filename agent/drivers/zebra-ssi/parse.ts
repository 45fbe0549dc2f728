/**
 * What a Zebra scanner says of itself over SSI: REPLY_REVISION (A4), texts with spaces between (software, board, engine,
 * checksum of the program), and answers of the management protocol. A scanner that does not know a question says NAK
 * (D1). Codes that are scanned come in packets of their own (F3), and the rest of a line is noise: neither is kept.
 */
import { err, ok, type Result } from "@aislewatch/base";
import type { Asset } from "@aislewatch/contract";
import type { DialectReply } from "../dialect.ts";
import type { Parsed, ParseError } from "../driver.ts";
import { ATTRIBUTES, type Attribute, attributesOf, OPCODE, type Packet, packetsOf } from "./packets.ts";

export const METRICS = ["battery_charge_percent"] as const;

const REVISION = /^[\x20-\x7e]{1,128}$/;
const PERCENT_MAX = 100;

const isRevision = ({ opcode, data }: Packet): boolean =>
  opcode === OPCODE.revision && REVISION.test(data.replaceAll("\0", " "));
const isNak = ({ opcode }: Packet): boolean => opcode === OPCODE.nak;

export const isWholeRevision = (said: string): boolean =>
  packetsOf(said).some((packet) => isRevision(packet) || isNak(packet));
export const isWholeAttribute = (said: string): boolean =>
  packetsOf(said).some((packet) => packet.opcode === OPCODE.management || isNak(packet));

export const keepRevision = (said: string): string => newest(said, (packet) => isRevision(packet) || isNak(packet));

export const keepAttribute =
  (id: number) =>
  (said: string): string =>
    newest(said, (packet) => isNak(packet) || attributesOf(packet).some((attribute) => attribute.id === id));

const newest = (said: string, isWanted: (packet: Packet) => boolean): string =>
  packetsOf(said).filter(isWanted).at(-1)?.whole ?? "";

export function parse(reply: DialectReply): Result<Parsed, ParseError> {
  const said = reply["revision"] ?? "";
  const packet = packetsOf(said).find((one) => isRevision(one) || isNak(one));
  if (packet === undefined) return err({ detail: `no packet of SSI in ${said.length} bytes` });
  const charge = attributeValue(reply, "charge");
  const known = typeof charge === "number" && charge <= PERCENT_MAX;
  const asset = assetOf(reply, packet);
  return ok({
    samples: [{ component: null, metrics: known ? { battery_charge_percent: charge } : {} }],
    ...(asset !== null && { asset }),
  });
}

export function about(reply: DialectReply): readonly (readonly [string, string])[] {
  const packet = packetsOf(reply["revision"] ?? "").find(isRevision);
  return packet === undefined ? [] : [["revision", packet.data.replaceAll("\0", " ").trim()]];
}

function assetOf(reply: DialectReply, packet: Packet): Asset | null {
  const revision = isRevision(packet) ? packet.data.replaceAll("\0", " ").trim().split(" ")[0] : undefined;
  const text = (name: keyof typeof ATTRIBUTES): string | undefined => {
    const value = attributeValue(reply, name);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const [model, serial, firmware] = [text("model"), text("serial"), text("firmware") ?? revision];
  if (!model && !serial && !firmware) return null;
  return { vendor: "Zebra", ...(model && { model }), ...(firmware && { firmware }), ...(serial && { serial }) };
}

function attributeValue(reply: DialectReply, name: keyof typeof ATTRIBUTES): Attribute["value"] | undefined {
  const attributes = packetsOf(reply[name] ?? "").flatMap(attributesOf);
  return attributes.findLast(({ id }) => id === ATTRIBUTES[name])?.value;
}
