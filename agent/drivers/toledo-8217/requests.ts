/**
 * What a Toledo scale is asked: its weight, once, at once. It answers in any state, and what it weighs stays as it is.
 * Z (zero), T and C (tare), A and B (self-test), E (echo) and S (settings) do something, and are never sent.
 */
import type { Request } from "../request.ts";
import { isWhole } from "./parse.ts";

export const requests: readonly Request[] = [
  {
    name: "weight",
    role: "state",
    bytes: "W",
    asks: "weight, or the status byte when there is none to give (DIVA service manual, page 39)",
    isWhole,
    replyBytesMax: 256,
  },
];
