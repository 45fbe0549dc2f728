/**
 * What a Honeywell scanner is asked. Menu commands set things, so only two forms are sent: a query, which has `?` where
 * a value would stand, and REVINF, which takes no value. The query ends in `!` (RAM) and not in `.` (flash): a clone that
 * misread it would have no value to set, and nothing would be kept. What sets, resets, triggers or beeps is not sent, nor Metrologic's
 * `STX 999999 ETX`, which stops the scanning.
 */
import type { Request } from "../request.ts";
import { isWholeRevision, isWholeSetting, keepRevision, keepSetting } from "./parse.ts";

const PREFIX = "\u0016M\r";

export const requests: readonly Request[] = [
  {
    name: "setting",
    role: "state",
    bytes: `${PREFIX}CBRENA?!`,
    asks: "whether Codabar is switched on: the manuals' own example of a query (Xenon 1900 User's Guide, chapter 11)",
    isWhole: isWholeSetting,
    keep: keepSetting,
  },
  {
    name: "revision",
    role: "identity",
    bytes: `${PREFIX}REVINF.`,
    asks: "model, software and serial number (show software revision, REVINF)",
    isWhole: isWholeRevision,
    keep: keepRevision,
    // Some 400 bytes, at the 9600 baud of older models.
    waitMs: 3_000,
  },
];
