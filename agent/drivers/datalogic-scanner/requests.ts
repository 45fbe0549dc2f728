/**
 * What a Datalogic scanner is asked: `h` and `i`, one byte each. Its other commands of one byte act: E and D switch it on
 * and off, R resets, B, F, 01 and 07 beep, T and X pull the trigger; none of them is sent, nor `s`, whose answer's form
 * is not published.
 */
import type { Request } from "../request.ts";
import { isWholeFrame, keepHealth, keepIdentity } from "./parse.ts";

/** Older models end by falling silent; a Magellan's identification is some 200 bytes. */
const WAIT_MS = 1_200;

const HEALTH: Request = {
  name: "health",
  role: "state",
  bytes: "h",
  asks: "health of motor, lasers and scale (Magellan host commands, KA-01506; PowerScan reference, appendix E)",
  isWhole: isWholeFrame,
  keep: keepHealth,
  endsInSilence: true,
  waitMs: WAIT_MS,
};

const IDENTITY: Request = {
  name: "identity",
  role: "identity",
  bytes: "i",
  asks: "model, serial number and software (Magellan host commands, KA-01506; PowerScan reference, appendix E)",
  isWhole: isWholeFrame,
  keep: keepIdentity,
  endsInSilence: true,
  waitMs: WAIT_MS,
};

export const requestsFor = ({ health }: { readonly health: "ask" | "never" }): readonly Request[] =>
  health === "ask" ? [HEALTH, IDENTITY] : [{ ...IDENTITY, role: "state" }];
