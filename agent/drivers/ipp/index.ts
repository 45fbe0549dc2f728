import { asWritten } from "@aislewatch/config";
import { metricsOf } from "@aislewatch/devices";
import { z } from "zod";
import { defineDriver } from "../driver.ts";
import { METRICS, parse } from "./parse.ts";
import { IppPoll } from "./poll.ts";
import type { Queue } from "./session.ts";
import type { IppReply } from "./types.ts";

const PORT = 631;
/** A queue's name has 127 letters (CUPS), each up to nine characters as it stands in an address; a URI 1023 (RFC 8011). */
const ADDRESS =
  /^(ipps?):\/\/(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}))(?::(\d{1,5}))?(\/[\x21-\x7e]{0,1023})$/;

type Address = Pick<Queue, "uri" | "host" | "port" | "path" | "secure">;

const address = asWritten<Address>(
  "an address such as ipp://127.0.0.1/printers/receipts or ipps://10.1.2.3/ipp/print",
  (written) => {
    const match = typeof written === "string" ? ADDRESS.exec(written) : null;
    const [uri, scheme, host, digits, path] = match ?? [];
    if (uri === undefined || host === undefined || path === undefined) return { ok: false };
    const port = digits === undefined ? PORT : Number(digits);
    if (port < 1 || port > 65_535) return { ok: false, code: "CFG_RANGE", message: "expected a port from 1 to 65535" };
    const bare = host.replaceAll(/[[\]]/g, "");
    return { ok: true, value: { uri, host: bare, port, path, secure: scheme === "ipps" } };
  },
);

const config = z.strictObject({
  queue: address,
  /** The socket of this host's CUPS, for one that listens on nothing else. */
  socket: z.string().startsWith("/", "expected a path such as /run/cups/cups.sock").max(107).optional(),
  certificate: z.enum(["checked", "any"]).default("checked"),
});
type Config = z.infer<typeof config>;

export default defineDriver<Config, IppReply>({
  name: "ipp",
  title: "Print queue of CUPS, or a printer that speaks IPP: its state and its waiting jobs",
  config,
  lineKey: ({ queue, socket }) => `ipp:${socket ?? `${queue.host}:${queue.port}`}`,
  address: ({ queue }) => queue.uri,
  recorded: { config: { queue: "ipp://recording.invalid/" } },
  open({ kind, config: { queue, socket, certificate } }) {
    const poll = new IppPoll({ ...queue, socket: socket ?? null, anyCertificate: certificate === "any" });
    const known = new Set(metricsOf(kind).map(({ name }) => name));
    const metrics = METRICS.filter((name) => known.has(name));
    let reasons: readonly string[] = [];
    return {
      async poll(context) {
        const reply = await poll.poll(context);
        const said = reply.ok ? (reply.value.printer["printer-state-reasons"] ?? []) : [];
        reasons = said.filter((reason) => typeof reason === "string");
        return reply;
      },
      parse(reply) {
        const parsed = parse(reply);
        if (!parsed.ok) return parsed;
        // A receipt printer has no toner: what its kind does not know is not reported.
        const samples = parsed.value.samples.map(({ component, metrics: all }) => ({
          component,
          metrics: Object.fromEntries(Object.entries(all).filter(([name]) => known.has(name))),
        }));
        return { ok: true, value: { ...parsed.value, samples } };
      },
      metrics: () => metrics,
      profile: () => null,
      about: () => [
        ...(reasons.length === 0 ? [] : [["state reasons", reasons.join(", ")] as const]),
        ...(poll.jobsRefused === null ? [] : [["not known: jobs", poll.jobsRefused] as const]),
      ],
      close: async () => {},
    };
  },
});
