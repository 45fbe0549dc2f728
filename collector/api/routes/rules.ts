import { DEVICE_ID_PATTERN, ID_PATTERN } from "@aislewatch/contract";
import { selectsDevice } from "@aislewatch/rules";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { reasonOf } from "../../maintenance.ts";
import { explainAt } from "../../replay.ts";
import type { ApiDeps } from "../deps.ts";
import { Refused } from "../problem.ts";
import { explanation, ruleSummary } from "../schema/rule.ts";
import { problem } from "../schema/service.ts";

/** For a replay: some dozen series from a cold disk. */
const REPLAY_MS_MAX = 30_000;
/** A clock that is ahead by less asks about now. */
const FUTURE_MS_MAX = 5_000;

const params = z.object({ rule: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/) });
const query = z.object({
  site: z.string().regex(ID_PATTERN),
  device: z.string().regex(DEVICE_ID_PATTERN).optional().describe("not of a rule over a site"),
  component: z.string().regex(ID_PATTERN).optional(),
  at: z.coerce.number().int().min(0).optional().describe("Unix ms; now when it is left out"),
});

/** The rules that judge, and why they say what they say. */
export function ruleRoutes(deps: ApiDeps): FastifyPluginAsyncZod {
  const { live, clock } = deps;

  return async (app) => {
    app.get(
      "/rules",
      {
        schema: {
          tags: ["rules"],
          summary: "The rules in use; with a site and a device only those that look at it",
          querystring: z.object({ site: query.shape.site.optional(), device: query.shape.device }),
          response: { 200: z.array(ruleSummary), default: problem },
        },
      },
      async (request) => {
        const { site, device } = request.query;
        const found = site === undefined || device === undefined ? null : live.device(site, device);
        const { rules } = live.rules();
        const asked =
          found === null
            ? rules
            : rules.filter(({ select, scope }) => scope !== "site" && selectsDevice(select, found.site, found.device));
        return asked.map((rule) => ({
          id: rule.id,
          group: rule.group,
          title: rule.title,
          scope: rule.scope,
          category: rule.category,
          severities: rule.raise.map((step) => step.severity),
          mode: rule.mode,
          runbook: rule.runbook,
          version: rule.version,
          file: rule.file,
          line: rule.line,
          firing: live.firing(rule.id),
        }));
      },
    );

    app.get(
      "/rules/:rule/explain",
      {
        handlerTimeout: REPLAY_MS_MAX,
        schema: {
          tags: ["rules"],
          summary: "Why a rule fires on a device, a component or a site, or why not; now, or at a time that has passed",
          params,
          querystring: query,
          response: { 200: explanation, default: problem },
        },
      },
      async (request) => {
        const { rule } = request.params;
        const { site, device = null, component = null, at } = request.query;
        const subject = { site, device, component };
        const now = clock.now();
        if (at !== undefined && at > now + FUTURE_MS_MAX) {
          throw new Refused(422, "future", "Nobody knows yet: this time has not come.");
        }
        const isNow = at === undefined || at >= now - 1_000;
        const answer = isNow
          ? { explanation: live.explain(rule, subject), fromMs: null, caveats: [] }
          : await explainAt(deps, { rule, subject }, at);
        const found = answer.explanation;
        const stuck = isNow ? notTaken(live.rules().refused) : [];
        if ("refused" in found) {
          // A rule that is missing may stand in the edit; a device never does.
          const why = found.refused === "unknown_subject" ? [] : stuck;
          throw new Refused(404, found.refused, [found.message, ...why].join(" "));
        }
        return {
          ...view(whyPlanned(found, deps)),
          replayedFrom: answer.fromMs,
          caveats: [...stuck, ...answer.caveats],
        };
      },
    );
  };
}

/** Whoever has just edited a rule and wonders what it does has to know that it is not in use. */
function notTaken([first, ...more]: readonly string[]): string[] {
  if (first === undefined) return [];
  const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
  return [`An edit is refused, and the last good rules judge. ${first}${others}`];
}

/** The engine knows windows by their ids, people by why they are. */
function whyPlanned(found: Found, { maintenance }: Pick<ApiDeps, "maintenance">): Found {
  const id = found.facts.find(({ name }) => name === "maintenance")?.text;
  if (id === undefined) return found;
  const reason = reasonOf(maintenance.list(), id);
  const facts = found.facts.map(({ name, text }) => ({ name, text: name === "maintenance" ? reason : text }));
  return { ...found, facts, summary: found.summary.replace(id, () => reason) };
}

type Found = Exclude<ReturnType<ApiDeps["live"]["explain"]>, { refused: string }>;

const view = ({ flags, conditions, facts, ...found }: Found) => ({
  ...found,
  stale: flags.stale,
  suppressedBy: flags.suppressedBy,
  conditions: conditions.map((condition) => ({
    ...condition,
    terms: condition.terms.map((term) => ({ ...term, readings: [...term.readings] })),
  })),
  facts: [...facts],
});
