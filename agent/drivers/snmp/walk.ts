/**
 * Everything that a device says, for a recording. It goes step by step, so that the way can be shown, and what came is
 * kept when somebody stops it, the time is up or the device falls silent half-way.
 */
import { err, ok, type Result } from "@aislewatch/base";
import { compareOids } from "@aislewatch/devices";
import type { SnmpSession, Varbinds } from "../../transport/snmp.ts";
import type { PollError } from "../driver.ts";

export const WALK_LIMITS = {
  /** A stack of switches with all its tables has about 50,000. */
  rowsDefault: 50_000,
  rowsMax: 200_000,
  /** Between two looks at the clock and the progress: a second or so on a slow print server. */
  rowsAStep: 256,
  /** Silences in a row that end a walk; each is a request with its own retries. */
  silencesMax: 3,
} as const;

/** In the order of OIDs: LLDP, link aggregation, the standard MIBs, vendors, SNMP's own, later LLDP. */
const ROOTS = ["1.0.8802.1", "1.2.840.10006", "1.3.6.1.2.1", "1.3.6.1.4.1", "1.3.6.1.6.3", "1.3.111.2.802"];

export type WalkOptions = {
  readonly rowsMax: number;
  /** Of one request. */
  readonly timeoutMs: number;
  /** Ends the walk; its reason, a string, is why. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: { readonly rows: number; readonly oid: string }) => void;
};

export type Walked = { readonly varbinds: Varbinds; readonly requests: number; readonly cutShort: string | null };

/** An error only when nothing came at all. */
export async function walkDevice(session: SnmpSession, options: WalkOptions): Promise<Result<Walked, PollError>> {
  const varbinds: Varbinds = {};
  let requests = 0;
  let rows = 0;
  for (const root of ROOTS) {
    let cursor = root;
    let silences = 0;
    for (;;) {
      if (options.signal.aborted) return ok({ varbinds, requests, cutShort: String(options.signal.reason) });
      const rowsMax = Math.min(WALK_LIMITS.rowsAStep, options.rowsMax - rows);
      if (rowsMax <= 0) return ok({ varbinds, requests, cutShort: `more than ${options.rowsMax} values` });
      session.begin(options.signal, options.timeoutMs);
      const step = await session.walk([{ oid: root, after: cursor, rowsMax }]);
      requests += session.cost().requests;
      if (!step.ok) {
        if (options.signal.aborted) continue;
        if (rows === 0 || step.error.kind !== "timeout") {
          return rows === 0 ? err(step.error) : ok({ varbinds, requests, cutShort: step.error.detail });
        }
        if (++silences < WALK_LIMITS.silencesMax) continue;
        return ok({ varbinds, requests, cutShort: `silence after ${cursor}` });
      }
      silences = 0;
      const last = Object.keys(step.value).at(-1);
      if (last === undefined || compareOids(last, cursor) <= 0) break;
      Object.assign(varbinds, step.value);
      rows = Object.keys(varbinds).length;
      cursor = last;
      options.onProgress({ rows, oid: cursor });
    }
  }
  return ok({ varbinds, requests, cutShort: null });
}
