/**
 * What an SMA scale is asked: the shown weight, and who it is. Z (zero), T, M and C (tare), U (units), P, Q, R and S
 * (wait or repeat) are never sent, and neither is D: it makes the scale test itself.
 */
import type { Request } from "../request.ts";
import { ABOUT, isWholeAbout, isWholeWeight } from "./parse.ts";

const about = (name: (typeof ABOUT)[number]): Request => ({
  name,
  role: "identity",
  bytes: name === "about" ? "\nA\r" : "\nB\r",
  asks: name === "about" ? "the first line about itself (SCP-0499, A)" : "the next line about itself (SCP-0499, B)",
  isWhole: isWholeAbout,
  replyBytesMax: 256,
});

export const requests: readonly Request[] = [
  {
    name: "weight",
    role: "state",
    bytes: "\nW\r",
    asks: "the shown weight with the scale's status (SCP-0499, W)",
    isWhole: isWholeWeight,
    replyBytesMax: 256,
  },
  ...ABOUT.map(about),
];
