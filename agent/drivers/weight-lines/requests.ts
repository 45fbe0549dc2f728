/** Nothing is asked and no byte is sent: such a scale talks by itself. */
import type { Request } from "../request.ts";
import { isEnough } from "./parse.ts";

/** Two lines of the slowest common setting, one a second, and a bit. */
const WAIT_MS = 2_500;

export const requests: readonly Request[] = [
  {
    name: "lines",
    role: "state",
    bytes: "",
    asks: "nothing: the scale's continuous output is listened to",
    isWhole: isEnough,
    waitMs: WAIT_MS,
    endsInSilence: true,
    replyBytesMax: 1_024,
  },
];
