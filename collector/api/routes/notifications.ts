import { suggest } from "@aislewatch/config";
import { ID_PATTERN } from "@aislewatch/contract";
import { letterId } from "@aislewatch/runtime";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ApiDeps } from "../deps.ts";
import { identityOf } from "../guard.ts";
import { Refused } from "../problem.ts";
import {
  incidentTold,
  notificationAttempt,
  notificationChannel,
  notificationLog,
  notificationPreview,
  previewRequest,
} from "../schema/notification.ts";
import { problem } from "../schema/service.ts";

const LOG_MAX = 500;
const MISTAKES_MAX = 20;
/** A channel has a minute at most; then there is an answer all the same. */
const TEST_MS_MAX = 70_000;

const name = z.string().regex(ID_PATTERN);

export function notificationRoutes({ notifications, state, clock }: ApiDeps): FastifyPluginAsyncZod {
  return async (app) => {
    app.get(
      "/notifications/channels",
      {
        schema: {
          tags: ["notifications"],
          summary: "The channels of notifications.yaml, and how they are",
          response: { 200: z.array(notificationChannel), default: problem },
        },
      },
      async () => notifications.channels(),
    );

    app.get(
      "/notifications/log",
      {
        schema: {
          tags: ["notifications"],
          summary: "Attempts to deliver, newest first, a page at a time",
          querystring: z.object({
            incident: z.string().max(64).optional(),
            channel: name.optional(),
            outcome: z.enum(["delivered", "retry", "failed"]).optional(),
            limit: z.coerce.number().int().min(1).max(LOG_MAX).default(100),
            before: z.coerce.number().int().min(0).optional().describe("`next` of the page before"),
          }),
          response: { 200: notificationLog, default: problem },
        },
      },
      async ({ query: { incident, channel, outcome, limit, before = null } }) => {
        const filter = {
          ...(incident !== undefined && { incident }),
          ...(channel !== undefined && { channel }),
          ...(outcome !== undefined && { outcome }),
        };
        return notifications.log(filter, { limit, before });
      },
    );

    app.get(
      "/incidents/:id/notifications",
      {
        schema: {
          tags: ["notifications"],
          summary: "Who was told of an incident, what waits and until when, and why nobody was told",
          params: z.object({ id: z.string().max(32) }),
          response: { 200: incidentTold, default: problem },
        },
      },
      async ({ params: { id } }) => {
        const found = state.incident(id);
        if (found === null) throw new Refused(404, "no_incident", `There is no incident ${id}.`);
        const { told, untold } = notifications.told(found);
        const targets = new Map(notifications.channels().map((one) => [one.name, one.target]));
        return {
          told: told.map((one) => ({ ...one, people: [...one.people], target: targets.get(one.channel) ?? null })),
          untold: [...untold],
        };
      },
    );

    app.post(
      "/notifications/preview",
      {
        config: { access: "act" },
        schema: {
          tags: ["notifications"],
          summary: "What a channel would be sent; nothing is",
          description: "422 when the words that are tried out are no template, with what is wrong in which line.",
          body: previewRequest,
          response: { 200: notificationPreview, default: problem },
        },
      },
      async ({ body: { channel, event, incident: id, ...draft } }) => {
        const incident = id === undefined ? null : state.incident(id);
        if (id !== undefined && incident === null) throw new Refused(404, "no_incident", `There is no incident ${id}.`);
        const shown = notifications.preview(channel, event, { incident, draft });
        if (shown === null) throw new Refused(404, "no_channel", `There is no channel ${channel}.`);
        if (shown.ok) return shown.value;
        const said = shown.error.map(({ field, line, message, name: what }) => {
          const near = what === undefined ? null : suggest(what.received, what.known);
          const received = what === undefined ? "" : `; received {{${what.received}}}`;
          return `${field}, line ${line}: ${message}${received}${near === null ? "" : `; did you mean {{${near}}}?`}`;
        });
        throw new Refused(422, "template", said.slice(0, MISTAKES_MAX).join("\n"));
      },
    );

    app.post(
      "/notifications/channels/:channel/test",
      {
        config: { access: "administer" },
        handlerTimeout: TEST_MS_MAX,
        schema: {
          tags: ["notifications"],
          summary: "Sends a test by this channel at once, and says how it went",
          params: z.object({ channel: name }),
          response: { 200: notificationAttempt, default: problem },
        },
      },
      async (request) => {
        const { channel } = request.params;
        const { actor } = identityOf(request);
        const tried = await notifications.test(channel, { id: `test/${letterId()}`, by: actor });
        if (tried === null) throw new Refused(404, "no_channel", `There is no channel ${channel}.`);
        state.audit({ at: clock.now(), actor, action: "channel_tested", detail: `${channel}: ${tried.outcome}` });
        return tried;
      },
    );
  };
}
