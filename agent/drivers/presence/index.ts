import { z } from "zod";
import { holderText, type System } from "../../transport/serial-access.ts";
import { defineDriver } from "../driver.ts";
import { serial } from "../line-config.ts";
import { HOST_METRICS, PORT_METRICS, parse } from "./parse.ts";
import { lookAtHost, lookAtPort } from "./poll.ts";
import type { PresenceReply } from "./types.ts";

/** A name or an address; never one that ping would take for an option. */
const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9.:_-]{0,252}[A-Za-z0-9])?$|^::[0-9a-fA-F:.]{1,40}$/;

const config = z
  .strictObject({
    host: z.string().regex(HOST, "expected a host name or an address, without a port").optional(),
    port: z.string().min(1).max(256).startsWith("/dev/", "expected a device file below /dev").optional(),
  })
  .superRefine(({ host, port }, context) => {
    if ((host === undefined) !== (port === undefined)) return;
    const message = "expected one of host and port";
    context.addIssue({ code: "custom", path: [], message, params: { code: "CFG_VALUE" } });
  });
type Config = z.infer<typeof config>;

/** The system that the agent runs on; its own processes are no other program. */
const here = (): System => ({ root: "/", ownPids: new Set([process.pid, serial.pid() ?? process.pid]) });

export default defineDriver<Config, PresenceReply>({
  name: "presence",
  title: "Whether a device is there, without a word to it: an echo, or what the system knows of its port",
  config,
  lineKey: ({ host, port }) => `presence:${host ?? port}`,
  address: ({ host, port }) => host ?? port ?? "",
  recorded: { config: { host: "recording.invalid" } },
  open({ config: { host, port } }) {
    let last: PresenceReply | null = null;
    return {
      async poll(context) {
        const looked = host === undefined ? await lookAtPort(port ?? "", here()) : await lookAtHost(host, context);
        last = looked.ok ? looked.value : null;
        return looked;
      },
      parse,
      metrics: () => (host === undefined ? PORT_METRICS : HOST_METRICS),
      profile: () => null,
      about() {
        if (last?.kind !== "port" || last.holders === null || last.holders.length === 0) return [];
        return [["held by", holderText(last.holders)]];
      },
      close: async () => {},
    };
  },
});
