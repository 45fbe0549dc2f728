import { hostname } from "node:os";
import { ok } from "@aislewatch/base";
import { asWritten } from "@aislewatch/config";
import { realClock } from "@aislewatch/runtime";
import { z } from "zod";
import { defineDriver } from "../driver.ts";
import { CERTIFICATE_METRICS, METRICS, parse } from "./parse.ts";
import { systemNameServers, type Target, tryGateway, tryNameServer, tryTarget } from "./poll.ts";
import type { ReachReply } from "./types.ts";

const TARGETS_MAX = 32;
/** A resolver asks no more than three (resolv.conf(5)). */
const NAME_SERVERS_MAX = 3;
const HTTPS_PORT = 443;

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?$/;
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/;
const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?))(?::(\d{1,5}))?$/;

type Place = { readonly host: string; readonly port: number };

const place = (defaultPort: number | null) =>
  asWritten<Place>("an address such as pos.example.com:443", (written) => {
    const match = typeof written === "string" ? ADDRESS.exec(written) : null;
    const host = match?.[1] ?? match?.[2];
    const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
    if (host === undefined) return { ok: false };
    if (port === null) return { ok: false, hint: "add the port" };
    if (port < 1 || port > 65_535) return { ok: false, code: "CFG_RANGE", message: "expected a port from 1 to 65535" };
    return { ok: true, value: { host, port } };
  });

const target = z
  .strictObject({
    name: z.string().regex(NAME, "expected lower-case letters, digits and hyphens"),
    tcp: place(null).optional(),
    tls: place(HTTPS_PORT).optional(),
  })
  .superRefine(({ tcp, tls }, context) => {
    if ((tcp === undefined) !== (tls === undefined)) return;
    context.addIssue({
      code: "custom",
      path: [],
      message: "expected one of tcp and tls",
      params: { code: "CFG_VALUE" },
    });
  });

/** Two of one name would be one component, and the second would speak for both. */
function haveNamesOfTheirOwn(targets: readonly { readonly name: string }[], context: z.RefinementCtx): void {
  const taken = new Set(["gateway"]);
  for (const [n, { name }] of targets.entries()) {
    const message = `expected a name that nothing else here has; received "${name}"`;
    if (taken.has(name))
      context.addIssue({ code: "custom", path: [n, "name"], message, params: { code: "CFG_VALUE" } });
    taken.add(name);
  }
}

const config = z.strictObject({
  /** The router of the default route, by an echo. */
  gateway: z.boolean().default(true),
  /** A name that each name server has to know; without it none is asked. */
  dns_name: z.string().regex(HOST, "expected a host name").optional(),
  dns_servers: z
    .array(z.union([z.ipv4(), z.ipv6()]))
    .min(1)
    .max(NAME_SERVERS_MAX)
    .optional(),
  targets: z.array(target).max(TARGETS_MAX).superRefine(haveNamesOfTheirOwn).default([]),
});
type Config = z.infer<typeof config>;

const targetsOf = ({ targets }: Config): Target[] =>
  targets.flatMap(({ name, tcp, tls }) => {
    const at = tls ?? tcp;
    return at === undefined ? [] : [{ name, ...at, secure: tls !== undefined }];
  });

export default defineDriver<Config, ReachReply>({
  name: "reach",
  title: "What this host reaches: its gateway, its name servers, and the servers that the store needs",
  config,
  lineKey: () => "reach",
  address: () => hostname(),
  recorded: {
    config: {},
    // What went wrong with a target is told with its name or address.
    identifying: (_reply, config) =>
      [
        ...targetsOf(config).map(({ host }) => host),
        ...(config.dns_name === undefined ? [] : [config.dns_name]),
        ...(config.dns_servers ?? []),
      ].map((text) => ({ of: "name", text }) as const),
  },
  open({ config: device }) {
    const targets = targetsOf(device);
    const { gateway, dns_name: name, dns_servers: servers } = device;
    const metrics = targets.some(({ secure }) => secure) ? [...METRICS, ...CERTIFICATE_METRICS] : METRICS;
    let last: ReachReply = { targets: [] };
    return {
      async poll(context) {
        const nameServers = name === undefined ? [] : (servers ?? systemNameServers()).slice(0, NAME_SERVERS_MAX);
        const tried = await Promise.all([
          ...(gateway ? [tryGateway(context)] : []),
          ...nameServers.map((server) => tryNameServer({ server, name: name ?? "" }, context, realClock)),
          ...targets.map((one) => tryTarget(one, context, realClock)),
        ]);
        last = { targets: tried };
        return ok(last);
      },
      parse,
      metrics: () => metrics,
      profile: () => null,
      about: () => last.targets.flatMap(({ name, detail }) => (detail === null ? [] : [[name, detail] as const])),
      close: async () => {},
    };
  },
});
