/** `traps:` in agent.yaml: where traps are listened for, and whose are taken. Nobody's, when the key is not there. */

import { isIP } from "node:net";
import { asWritten, secretRef } from "@aislewatch/config";
import { z } from "zod";
import type { SnmpUser } from "./transport/snmp.ts";
import { snmpUser } from "./transport/snmp-user.ts";

export type TrapsConfig = {
  readonly listen: { readonly address: string; readonly port: number };
  /** What to do with traps of addresses that no device of this agent has. */
  readonly unknownSenders: "ignore" | "accept";
  /** For v1 and v2c. */
  readonly community: string;
  /** For v3. */
  readonly users: readonly SnmpUser[];
};

const USERS_MAX = 64;

const listen = asWritten<{ address: string; port: number }>(
  'an address of this host and a port, such as "0.0.0.0:1162" or "[::]:162"',
  (written) => {
    if (typeof written !== "string") return { ok: false };
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(written);
    const address = match?.[1] ?? match?.[2] ?? "";
    const port = Number(match?.[3] ?? "0");
    if (isIP(address) === 0) return { ok: false };
    if (port < 1 || port > 65_535) return { ok: false, code: "CFG_RANGE", message: "expected a port from 1 to 65535" };
    return { ok: true, value: { address, port } };
  },
);

export const trapsSchema = z.strictObject({
  listen,
  unknown_senders: z.enum(["ignore", "accept"]).default("ignore"),
  /** `public` when there is none, as for a device. */
  community: secretRef.optional(),
  users: z.array(snmpUser).max(USERS_MAX).default([]),
});
export type WrittenTraps = z.infer<typeof trapsSchema>;
