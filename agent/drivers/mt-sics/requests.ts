/**
 * What an MT-SICS balance is asked. `SI` and not `S`: that one waits for rest, which may never come. The commands that
 * weigh repeatedly (SIR, SR), zero (Z, ZI), tare (T, TA, TAC), adjust (C…) or reset (@) are never sent.
 */
import type { Request } from "../request.ts";
import { type Identity, isWholeIdentity, isWholeWeight } from "./parse.ts";

const identity = (name: Identity, asks: string): Request => ({
  name,
  role: "identity",
  bytes: `${name}\r\n`,
  asks,
  isWhole: isWholeIdentity(name),
  replyBytesMax: 512,
});

export const requests: readonly Request[] = [
  {
    name: "weight",
    role: "state",
    bytes: "SI\r\n",
    asks: "the weight as it is now, at rest or not (MT-SICS level 0, SI)",
    isWhole: isWholeWeight,
    replyBytesMax: 512,
  },
  identity("I2", "model (MT-SICS level 0, I2)"),
  identity("I3", "firmware (MT-SICS level 0, I3)"),
  identity("I4", "serial number (MT-SICS level 0, I4)"),
];
