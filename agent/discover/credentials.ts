/**
 * What devices are asked with while looking for them: a YAML file whose secrets are references, as everywhere.
 *
 *     communities: [file:secrets/community, env:STORE_COMMUNITY]
 *     users:
 *       - name: aislewatch
 *         auth: { protocol: sha256, password: file:secrets/auth }
 *         privacy: { protocol: aes, password: file:secrets/privacy }
 *     public: true        # the community `public` as well, which is what is tried without a file
 */
import { dirname, relative, resolve } from "node:path";
import { err, ok, type Result } from "@aislewatch/base";
import { type Diagnostic, loadYamlFile, readSecret, type SecretRef, secretRef } from "@aislewatch/config";
import { z } from "zod";
import type { SnmpTarget } from "../transport/snmp.ts";
import { snmpUser, userWithSecrets, type WrittenSnmpUser } from "../transport/snmp-user.ts";

/** Each costs a packet to every address, and a try at every device that none before it opened. */
const CREDENTIALS_MAX = 16;

export type Credential = {
  readonly target: SnmpTarget["credential"];
  /** The keys of a device in agent.yaml. */
  readonly keys: Readonly<Record<string, unknown>>;
};

const schema = z.strictObject({
  communities: z.array(secretRef).max(CREDENTIALS_MAX).default([]),
  users: z.array(snmpUser).max(CREDENTIALS_MAX).default([]),
  public: z.boolean().default(false),
});

export const PUBLIC: readonly Credential[] = [
  { target: { version: "2c", community: "public" }, keys: {} },
  { target: { version: "1", community: "public" }, keys: { version: "1" } },
];

export type CredentialsError = { readonly diagnostics: readonly Diagnostic[]; readonly text: string | null };

/** Users first, for they are the safer way in. References come out relative to `forFolder`, where agent.yaml will be. */
export function loadCredentials(
  path: string,
  forFolder: string,
  env: Readonly<Record<string, string | undefined>>,
): Result<readonly Credential[], CredentialsError> {
  const loaded = loadYamlFile(path, schema);
  if (!loaded.ok) return err({ diagnostics: loaded.diagnostics, text: loaded.text });
  const folder = dirname(resolve(path));
  const diagnostics: Diagnostic[] = [];
  const read = (ref: SecretRef, at: readonly (string | number)[]): string => {
    const secret = readSecret(ref, folder, env);
    if (!secret.ok) diagnostics.push(loaded.source.diagnostic(at, secret.error));
    return secret.ok ? secret.value : "";
  };
  const written = (ref: SecretRef): string =>
    `${ref.kind}:${ref.kind === "env" ? ref.name : relative(forFolder, resolve(folder, ref.name))}`;
  const { communities, users, public: alsoPublic } = loaded.value;
  const credentials = [
    ...users.map((user, n) => ofUser(user, { written, read: (ref, key) => read(ref, ["users", n, key, "password"]) })),
    ...communities.flatMap((ref, n) => ofCommunity(read(ref, ["communities", n]), written(ref))),
    ...(alsoPublic ? PUBLIC : []),
  ];
  if (credentials.length === 0) {
    const message = "expected communities, users, or public: true";
    diagnostics.push(loaded.source.diagnostic([], { code: "CFG_MISSING_KEY", message }));
  }
  return diagnostics.length > 0 ? err({ diagnostics, text: loaded.text }) : ok(credentials);
}

function ofCommunity(community: string, ref: string): Credential[] {
  return [
    { target: { version: "2c", community }, keys: { community: ref } },
    { target: { version: "1", community }, keys: { version: "1", community: ref } },
  ];
}

function ofUser(
  user: WrittenSnmpUser,
  { written, read }: { written: (ref: SecretRef) => string; read: (ref: SecretRef, key: string) => string },
): Credential {
  const { name, auth, privacy } = user;
  const secrets = new Map<SecretRef, string>();
  if (auth !== undefined) secrets.set(auth.password, read(auth.password, "auth"));
  if (privacy !== undefined) secrets.set(privacy.password, read(privacy.password, "privacy"));
  const keys = {
    name,
    ...(auth && { auth: { protocol: auth.protocol, password: written(auth.password) } }),
    ...(privacy && { privacy: { protocol: privacy.protocol, password: written(privacy.password) } }),
  };
  const withSecrets = userWithSecrets(user, (ref) => secrets.get(ref) ?? "");
  return { target: { version: "3", user: withSecrets, context: "" }, keys: { version: "3", user: keys } };
}
