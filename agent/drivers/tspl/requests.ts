/**
 * What a TSPL printer is asked. `ESC !` commands are answered at any time, also in an error state. Those that begin with
 * `~` (model, mileage) are not sent: they are answered only when the printer is ready, and wait in its buffer until then.
 */
import type { Replies, Request } from "../request.ts";
import { isWholeStatus } from "./parse.ts";

const hasNoStatus = ({ status }: Replies): boolean => typeof status !== "string";

export const requests: readonly Request[] = [
  {
    name: "status",
    role: "state",
    bytes: "\u001b!S",
    asks: "state, warnings and errors (TSPL/TSPL2 Programming, ESC ! S; firmware V6.29 and later)",
    isWhole: isWholeStatus,
  },
  {
    name: "readiness",
    role: "state",
    bytes: "\u001b!?",
    asks: "status as one byte, of who does not answer ESC ! S (TSPL/TSPL2 Programming, ESC ! ?)",
    isWhole: (reply) => reply.length > 0,
    anonymous: true,
    onlyIf: hasNoStatus,
  },
  {
    name: "readinessAgain",
    role: "state",
    bytes: "\u001b!?",
    asks: "the same again: one byte may be noise, two that are alike are not",
    isWhole: (reply) => reply.length > 0,
    anonymous: true,
    onlyIf: (heard) => hasNoStatus(heard) && typeof heard["readiness"] === "string",
  },
];
