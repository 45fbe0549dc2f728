/**
 * What a SATO printer is asked: ENQ and nothing else. CAN (18 hex) would throw away the job, DLE and DC1 stop and start
 * printing. SATO says not to send ENQ in the midst of print data; the agent has the line to itself while it asks.
 */
import type { Request } from "../request.ts";
import { isWholeStatus, withoutJobName } from "./parse.ts";

export const requests: readonly Request[] = [
  {
    name: "status",
    role: "state",
    bytes: "\u0005",
    asks: "status, Status 3 or Status 4 (SATO programming references, status return)",
    isWhole: isWholeStatus,
    keep: withoutJobName,
  },
];
