/**
 * What a Star printer is asked: its status block, which it sends at once when it is asked, off-line and in an error as
 * well. Two notes of the past in the block, "ETB done" and "buffer ran over", are cleared as they are sent; whoever
 * waits for them must be the only one who asks (docs/devices/star.md). ETB, which would move the counter, is not sent,
 * nor is ESC RS a, which switches the automatic status.
 */
import type { Request } from "../request.ts";
import { isWholeStatus, keepStatus } from "./parse.ts";

export const requests: readonly Request[] = [
  {
    name: "status",
    role: "state",
    bytes: "\u001b\u0006\u0001",
    asks: "status block (ESC ACK SOH, Line Mode Command Specifications 3-70)",
    isWhole: isWholeStatus,
    keep: keepStatus,
    replyBytesMax: 256,
  },
];
