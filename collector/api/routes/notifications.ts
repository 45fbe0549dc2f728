import { ID_PATTERN } from "@aislewatch/contract";
import { letterId } from "@aislewatch/runtime";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { ApiDeps } from "../deps.ts";
import { identityOf } from "../guard.ts";
import { Refused } from "../problem.ts";
import { notificationAttempt, notificationChannel } from "../schema/notification.ts";
import { problem } from "../schema/service.ts";

const LOG_MAX = 500;
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
          summary: "Attempts to deliver, newest first: of an incident, of a channel, or of all",
          querystring: z.object({
            incident: z.string().max(64).optional(),
            channel: name.optional().describe("not together with incident"),
            limit: z.coerce.number().int().min(1).max(LOG_MAX).default(100),
          }),
          response: { 200: z.array(notificationAttempt), default: problem },
        },
      },
      async ({ query: { incident, channel, limit } }) => {
        if (incident !== undefined && channel !== undefined)
          throw new Refused(422, "filter", "Name an incident or a channel, not both.");
        const of = incident !== undefined ? { incident } : channel !== undefined ? { channel } : null;
        return notifications.log(of, limit);
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
