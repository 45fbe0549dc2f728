import { asWritten, durationMsBetween, type SecretRef, secretRef, suggest } from "@aislewatch/config";
import { loadBuiltinProfiles, metricNamesOf, type Profile, profileMetrics } from "@aislewatch/devices";
import { z } from "zod";
import { newPace, openSnmp, type SnmpTarget } from "../../transport/snmp.ts";
import { snmpUser, userWithSecrets, type WrittenSnmpUser } from "../../transport/snmp-user.ts";
import { type Driver, defineDriver } from "../driver.ts";
import { parse } from "./parse.ts";
import { SnmpPoll } from "./poll.ts";
import type { SnmpDeviceReply } from "./types.ts";

/** `host`, `host:port` or `[IPv6]:port`. */
const address = asWritten<{ host: string; port: number }>(
  "an address such as 10.1.2.3, printer-7:161 or [fd00::7]:161",
  (written) => {
    if (typeof written !== "string") return { ok: false };
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?))(?::(\d{1,5}))?$/.exec(
      written,
    );
    const host = match?.[1] ?? match?.[2];
    const port = Number(match?.[3] ?? "161");
    if (host === undefined) {
      return { ok: false, ...(written.includes("://") && { hint: "write host:port, without a scheme" }) };
    }
    if (port < 1 || port > 65_535) return { ok: false, code: "CFG_RANGE", message: "expected a port from 1 to 65535" };
    return { ok: true, value: { host, port } };
  },
);

function profileName(profiles: () => readonly Profile[]): z.ZodType<string> {
  return asWritten("the name of a profile", (written) => {
    const names = profiles().map(({ name }) => name);
    if (typeof written !== "string") return { ok: false };
    if (names.includes(written)) return { ok: true, value: written };
    const near = suggest(written, names);
    return {
      ok: false,
      code: "CFG_UNKNOWN_PROFILE",
      message: `expected the name of a profile; received "${written}"`,
      hint: near === null ? "aislewatch-agent profiles list names them" : `did you mean "${near}"?`,
    };
  });
}

/** `version: 3` is a number to YAML, and clear enough to us. */
const version = z.preprocess(
  (written) => (typeof written === "number" ? String(written) : written),
  z.enum(["1", "2c", "3"]),
);

export type SnmpConfig = {
  readonly address: { readonly host: string; readonly port: number };
  readonly version: "1" | "2c" | "3";
  readonly community?: SecretRef | undefined;
  readonly user?: WrittenSnmpUser | undefined;
  readonly context: string;
  readonly request_timeout: number;
  readonly retries: number;
  readonly max_repetitions: number;
  readonly profile?: string | undefined;
};

function configOf(profiles: () => readonly Profile[]): z.ZodType<SnmpConfig> {
  return z
    .strictObject({
      address,
      version: version.default("2c"),
      /** For v1 and v2c; `public` when there is none. */
      community: secretRef.optional(),
      /** For v3. */
      user: snmpUser.optional(),
      context: z.string().max(32).default(""),
      /** Of one request; the device's own `timeout` is for the whole poll. */
      request_timeout: durationMsBetween(50, 60_000).default(2_000),
      retries: z.int().min(0).max(5).default(1),
      max_repetitions: z.int().min(1).max(100).default(20),
      /** Found by itself when it is not named. */
      profile: profileName(profiles).optional(),
    })
    .superRefine(({ version: chosen, community, user: person }, context) => {
      const complain = (key: string, message: string): void =>
        context.addIssue({ code: "custom", path: [key], message, params: { code: "CFG_VALUE" } });
      if (chosen === "3" && person === undefined) complain("version", "expected the key user beside version 3");
      if (chosen === "3" && community !== undefined) complain("community", "expected no community with version 3");
      if (chosen !== "3" && person !== undefined) complain("user", "expected version 3 beside user");
    });
}

/** The SNMP driver over these profiles: the shipped ones, and an operator's own. */
export function snmpDriver(profiles: () => readonly Profile[]): Driver<SnmpConfig, SnmpDeviceReply> {
  return defineDriver<SnmpConfig, SnmpDeviceReply>({
    name: "snmp",
    title: "Device that speaks SNMP v1, v2c or v3, by a profile",
    config: configOf(profiles),
    lineKey: (config) => `udp:${config.address.host}:${config.address.port}`,
    address: ({ address: { host, port } }) => `snmp://${host.includes(":") ? `[${host}]` : host}:${port}`,
    open: ({ config, kind, secret }) => {
      const all = profiles();
      const chosen = all.find(({ name }) => name === config.profile) ?? null;
      const target = targetOf(config, secret);
      const pace = newPace(target);
      const poller = new SnmpPoll(() => openSnmp(target, pace), all, chosen);
      const ofKind = metricNamesOf(kind);
      // The poller asks at every poll what the device may report, which changes with its profile only.
      let told: { readonly profile: Profile; readonly metrics: readonly string[] } | null = null;
      return {
        poll: (context) => poller.poll(context),
        parse: (reply) => parse(reply, { profiles: all, kind }),
        metrics() {
          const { profile } = poller;
          if (profile === null) return [];
          if (told?.profile !== profile) {
            told = { profile, metrics: profileMetrics(profile).filter((name) => ofKind.has(name)) };
          }
          return told.metrics;
        },
        profile: () => poller.profile?.name ?? null,
        about: () => poller.about(),
        close: async () => poller.close(),
      };
    },
    withProfiles: (own) => snmpDriver(() => own),
  });
}

export default snmpDriver(loadBuiltinProfiles);

/** Where a configured device is, and what it is asked with. */
export function targetOf(config: SnmpConfig, secret: (ref: SecretRef) => string): SnmpTarget {
  const { version, community, user: person, context } = config;
  return {
    ...config.address,
    timeoutMs: config.request_timeout,
    retries: config.retries,
    maxRepetitions: config.max_repetitions,
    credential:
      version === "3"
        ? { version, context, user: person === undefined ? { name: "" } : userWithSecrets(person, secret) }
        : { version, community: community === undefined ? "public" : secret(community) },
  };
}
