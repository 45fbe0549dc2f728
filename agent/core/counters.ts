/**
 * Counter32 over its wraps: at 1 Gbit/s 2^32 octets are 34 seconds, and a device without 64-bit counters loses that much
 * growth at each wrap. What to add to each counter is kept here, between polls; the reply itself stays as it came.
 *
 * A value below the one before has wrapped when the way over the top is the shorter half of the circle; otherwise it was
 * set back (someone cleared the port's counters), and the rules know what that is. A restart begins anew.
 */
import type { SnmpReply } from "@aislewatch/devices";

const WRAP = 2 ** 32;
/** Counters of one device that are followed: as many as a poll may bring. */
const COUNTERS_MAX = 16_384;

type Followed = { last: number; carried: number };

export class Counters {
  #followed = new Map<string, Followed>();

  /** What to add to which counter of this reply; those that never wrapped are not in it. */
  follow(varbinds: SnmpReply["varbinds"], restarted: boolean): Record<string, number> {
    // Only what the device still has: a port that is gone is forgotten with its counters.
    const next = new Map<string, Followed>();
    const carried: Record<string, number> = {};
    for (const [oid, { type, value }] of Object.entries(varbinds)) {
      if (type !== "counter" || typeof value !== "number" || next.size >= COUNTERS_MAX) continue;
      const before = restarted ? undefined : this.#followed.get(oid);
      const wrapped = before !== undefined && value < before.last && value + WRAP - before.last < WRAP / 2;
      const carry =
        before === undefined || (value < before.last && !wrapped) ? 0 : before.carried + (wrapped ? WRAP : 0);
      next.set(oid, { last: value, carried: carry });
      if (carry > 0) carried[oid] = carry;
    }
    this.#followed = next;
    return carried;
  }
}
