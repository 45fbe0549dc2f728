import { hostname } from "node:os";
import { realClock } from "@aislewatch/runtime";
import { z } from "zod";
import { defineDriver, type Source } from "../driver.ts";
import { METRICS, PROCESS_METRICS, parse, processComponent, UNIT_METRICS, unitComponent } from "./parse.ts";
import { createPoll } from "./poll.ts";
import type { HostReply } from "./types.ts";

const PROCESSES_MAX = 32;
const UNITS_MAX = 32;

/** Two of one name would be one component, and the second would speak for both. */
const haveNamesOfTheirOwn =
  <One>(componentOf: (one: One) => string, key?: string) =>
  (list: readonly One[], context: z.RefinementCtx): void => {
    const taken = new Set<string>();
    for (const [n, one] of list.entries()) {
      const component = componentOf(one);
      const message = `expected a name that nothing else here has; another one is "${component}", too`;
      const path = key === undefined ? [n] : [n, key];
      if (taken.has(component)) context.addIssue({ code: "custom", path, message, params: { code: "CFG_VALUE" } });
      taken.add(component);
    }
  };

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
    .superRefine(haveNamesOfTheirOwn(({ name }) => processComponent(name), "name"))
    .default([]),
  /** Services that must be up: units of systemd, or services of Windows. */
  units: z
    .array(
      z
        .string()
        .regex(/^[A-Za-z0-9][A-Za-z0-9_.@:-]{0,120}$/, "expected the name of a unit, such as pos.service")
        // Of a template systemctl tells nothing, and nothing of those that were asked for with it.
        .regex(/^(?!.*@(?:[.][a-z]+)?$)/, "expected a unit and not a template, such as pos@1.service"),
    )
    .max(UNITS_MAX)
    .superRefine(haveNamesOfTheirOwn(unitComponent))
    .default([]),
});
type Config = z.infer<typeof config>;

/** Homes, and media that somebody plugged in (udisks2: below /media/USER and /run/media/USER). */
const PERSONAL_MOUNT = /^\/(?:home|media|run\/media)\/([^/]+)/;

const personal = (mounts: readonly { readonly mount: string }[]): readonly string[] =>
  mounts.flatMap(({ mount }) => PERSONAL_MOUNT.exec(mount)?.[1] ?? []);

export default defineDriver<Config, HostReply>({
  name: "host",
  title: "The machine that the agent runs on",
  config,
  lineKey: () => "host",
  address: () => hostname(),
  recorded: {
    config: {},
    identifying: ({ identity, disks, health }) => [
      ...(identity === null ? [] : [{ of: "serial", text: identity.serial } as const]),
      // Mount points of people's own media have their names in them.
      ...[hostname(), ...personal([...(disks ?? []), ...(health?.mounts ?? [])])].map(
        (text) => ({ of: "name", text }) as const,
      ),
    ],
  },
  open({ config: watched }) {
    const { poll, sources } = createPoll(watched, realClock);
    const metrics = [
      ...METRICS,
      ...(watched.processes.length > 0 ? PROCESS_METRICS : []),
      ...(watched.units.length > 0 ? UNIT_METRICS : []),
    ];
    return {
      poll,
      parse,
      metrics: () => metrics,
      profile: () => null,
      about: () =>
        sources()
          .filter(({ state }) => state !== "used")
          .map(lackText),
      sources,
      close: async () => {},
    };
  },
});

const lackText = ({ name, detail, grant }: Source): readonly [string, string] => [
  `not known: ${name}`,
  grant === undefined ? detail : `${detail}; as root: ${grant}`,
];
