/**
 * What an EPL printer is asked: `^ee`, the one question of the language that is answered at once and changes nothing.
 * `eR` would make the printer report errors by itself, but is a setting, kept in flash by some; `U…` prints its report on
 * models that do not know the letter that follows; `^@` resets. None of them is sent.
 */
import type { Request } from "../request.ts";
import { isWholeReport } from "./parse.ts";

export const requests: readonly Request[] = [
  {
    name: "errors",
    role: "state",
    // Eltron and Zebra want the LF, Intermec takes either; the line that is left empty does nothing.
    bytes: "^ee\r\n",
    asks: "error report, immediate (EPL Programming Guide 14245L; ESim v4.20, page 125)",
    isWhole: isWholeReport,
  },
];
