import { hostname } from "node:os";
import { realClock } from "@aislewatch/runtime";
import { z } from "zod";
import { defineDriver } from "../driver.ts";
import { METRICS, PROCESS_METRICS, parse } from "./parse.ts";
import { createPoll } from "./poll.ts";
import type { HostReply } from "./types.ts";

const PROCESSES_MAX = 32;

const config = z.strictObject({
  /** Processes that must run: found by a part of their command line. */
  processes: z
    .array(
      z.strictObject({
        name: z
          .string()
          .regex(/^[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?$/, "expected lower-case letters, digits and hyphens"),
        match: z.string().min(1).max(256),
      }),
    )
    .max(PROCESSES_MAX)
    .default([]),
});
type Config = z.infer<typeof config>;

export default defineDriver<Config, HostReply>({
  name: "host",
  title: "The machine that the agent runs on",
  config,
  lineKey: () => "host",
  address: () => hostname(),
  open: ({ config: { processes } }) => ({
    poll: createPoll(processes, realClock),
    parse,
    metrics: () => (processes.length > 0 ? [...METRICS, ...PROCESS_METRICS] : METRICS),
    profile: () => null,
    close: async () => {},
  }),
});
