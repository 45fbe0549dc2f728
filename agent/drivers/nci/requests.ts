/**
 * What an NCI scale is asked: weight and status. Z (zero), T (tare), U (change units), L (hold) and X (off) act, and are
 * never sent; M (raw counts) and H (ten times the resolution) are nobody's business here.
 */
import type { Request } from "../request.ts";
import { isWhole } from "./parse.ts";

export const requests: readonly Request[] = [
  {
    name: "weight",
    role: "state",
    bytes: "W\r",
    asks: "weight and status (NCI 6702 manual, page 14: mandatory command)",
    isWhole,
    replyBytesMax: 256,
  },
  {
    name: "status",
    role: "state",
    bytes: "S\r",
    asks: "status, of a scale that gave none with its weight (NCI 6702 manual, page 14)",
    isWhole,
    replyBytesMax: 256,
    onlyIf: ({ weight }) => !isWhole(weight ?? ""),
  },
];
