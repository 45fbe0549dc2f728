/**
 * What a Datamax or Honeywell printer is asked: immediate commands, which it obeys even while it prints or is in an error
 * state. `SOH #`, `SOH *` (reset), `SOH B` and `SOH C` (pause, cancel), `SOH D` (disables such commands) and `SOH U` (saves
 * and resets) are never sent; `SOH F` says in one byte what `SOH A` says in eight, and a byte may be noise.
 */
import type { Request } from "../request.ts";
import { isWholeExtendedStatus, isWholeRemaining, isWholeStatus } from "./parse.ts";

export const requests: readonly Request[] = [
  {
    name: "extendedStatus",
    role: "state",
    bytes: "\u0001a",
    asks: "extended status (DPL Class Series 2 Programmer's Manual, SOH a)",
    isWhole: isWholeExtendedStatus,
  },
  {
    name: "status",
    role: "state",
    bytes: "\u0001A",
    asks: "status, of who does not answer SOH a (SOH A)",
    isWhole: isWholeStatus,
    onlyIf: ({ extendedStatus }) => typeof extendedStatus !== "string",
  },
  {
    name: "labelsRemaining",
    role: "state",
    bytes: "\u0001E",
    asks: "labels that remain of the batch (SOH E)",
    isWhole: isWholeRemaining,
    onlyIf: ({ extendedStatus, status }) => typeof extendedStatus === "string" || typeof status === "string",
  },
];
