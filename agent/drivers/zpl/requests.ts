/** What a ZPL printer is asked. Every command is of the kind that the manual calls immediate and that changes nothing. */
import type { Request } from "../request.ts";
import { isWholeIdentification, isWholeStatus } from "./parse.ts";

export const requests: readonly Request[] = [
  {
    name: "hostStatus",
    role: "state",
    bytes: "~HS",
    asks: "host status, three strings (ZPL II Programming Guide, ~HS)",
    isWhole: isWholeStatus,
    // Two strings hold all that matters: parse decides whether a part is enough.
    endsInSilence: true,
  },
  {
    name: "hostIdentification",
    role: "identity",
    bytes: "~HI",
    asks: "model and firmware (ZPL II Programming Guide, ~HI)",
    isWhole: isWholeIdentification,
  },
];
