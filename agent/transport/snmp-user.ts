/** A user of SNMPv3 as it is written in a configuration file: passwords are references. */
import { type SecretRef, secretRef } from "@aislewatch/config";
import { z } from "zod";
import { AUTH, PRIVACY, type SnmpUser } from "./snmp.ts";

const keysOf = <T extends object>(table: T): [keyof T & string, ...(keyof T & string)[]] =>
  Object.keys(table) as [keyof T & string, ...(keyof T & string)[]];

export const snmpUser = z
  .strictObject({
    name: z.string().min(1).max(32),
    auth: z.strictObject({ protocol: z.enum(keysOf(AUTH)), password: secretRef }).optional(),
    privacy: z.strictObject({ protocol: z.enum(keysOf(PRIVACY)), password: secretRef }).optional(),
  })
  .refine(({ auth, privacy }) => privacy === undefined || auth !== undefined, {
    path: ["privacy"],
    error: "expected auth beside privacy: SNMPv3 does not encrypt what it does not authenticate",
  });
export type WrittenSnmpUser = z.infer<typeof snmpUser>;

/** With the passwords that the references stand for. */
export function userWithSecrets(written: WrittenSnmpUser, secret: (ref: SecretRef) => string): SnmpUser {
  const { name, auth, privacy } = written;
  return {
    name,
    ...(auth && { auth: { protocol: auth.protocol, password: secret(auth.password) } }),
    ...(privacy && { privacy: { protocol: privacy.protocol, password: secret(privacy.password) } }),
  };
}
