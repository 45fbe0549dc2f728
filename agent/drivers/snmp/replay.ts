/** A recording as a session: the same driver reads a file as it reads a device, with the same requests. */
import { ok, type Result } from "@aislewatch/base";
import { compareOids, isWithin, type SnmpReply } from "@aislewatch/devices";
import type { SnmpSession, Varbinds } from "../../transport/snmp.ts";
import type { PollError } from "../driver.ts";

export function replaySession({ varbinds }: SnmpReply): SnmpSession {
  const oids = Object.keys(varbinds).sort(compareOids);
  let requests = 0;
  let values = 0;
  let cut: string[] = [];
  const answer = (wanted: readonly string[]): Promise<Result<Varbinds, PollError>> => {
    const found: Varbinds = {};
    for (const oid of wanted) {
      const value = varbinds[oid];
      if (value !== undefined) found[oid] = value;
    }
    values += Object.keys(found).length;
    return Promise.resolve(ok(found));
  };
  return {
    begin() {
      requests = 0;
      values = 0;
      cut = [];
    },
    get(wanted) {
      requests++;
      return answer(wanted);
    },
    present(wanted) {
      requests++;
      const isThere = (root: string): boolean => oids.some((oid) => oid === root || isWithin(oid, root));
      return Promise.resolve(ok(new Set(wanted.filter(isThere))));
    },
    walk(columns) {
      requests++;
      const rows = columns.flatMap(({ oid: root, rowsMax, after }) => {
        const all = oids.filter((oid) => isWithin(oid, root) && (after === undefined || compareOids(oid, after) > 0));
        if (all.length > rowsMax) cut.push(root);
        return all.slice(0, rowsMax);
      });
      return answer(rows);
    },
    cost: () => ({ requests, values, cut }),
    close: () => undefined,
  };
}
