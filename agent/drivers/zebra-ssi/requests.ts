/**
 * What a Zebra scanner is asked over SSI: its revision, and single attributes by "attribute get" of the management
 * protocol (RSM). Nothing else is sent, and above all **neither ACK nor NAK**: an ACK from here would tell the scanner
 * that a code has reached the till which has not. A scanner that waits for it sends its packet again, which costs it
 * nothing and us a repeated answer; a scan that nobody acknowledged stays the application's.
 */
import type { Request } from "../request.ts";
import { ATTRIBUTES, attributeGet, hostPacket, OPCODE } from "./packets.ts";
import { isWholeAttribute, isWholeRevision, keepAttribute, keepRevision } from "./parse.ts";

const attribute = (name: keyof typeof ATTRIBUTES, role: Request["role"], asks: string): Request => ({
  name,
  role,
  bytes: hostPacket(OPCODE.management, attributeGet(ATTRIBUTES[name])),
  asks,
  isWhole: isWholeAttribute,
  keep: keepAttribute(ATTRIBUTES[name]),
  replyBytesMax: 2_048,
});

export const requests: readonly Request[] = [
  {
    name: "revision",
    role: "state",
    bytes: hostPacket(OPCODE.revisionRequest),
    asks: "software revision and board (SSI Programmer's Guide, REQUEST_REVISION)",
    isWhole: isWholeRevision,
    keep: keepRevision,
    replyBytesMax: 2_048,
  },
  attribute("model", "identity", "model (RSM attribute 533)"),
  attribute("serial", "identity", "serial number (RSM attribute 534)"),
  attribute("firmware", "identity", "firmware (RSM attribute 20004)"),
  attribute("charge", "wear", "charge of a cordless scanner's battery (RSM attribute 30018)"),
];
