/** Who is signed in, what went wrong, and the stream. */
import { z } from "zod";
import { incident } from "./incident.ts";
import { deviceState } from "./site.ts";
import { severity } from "./value.ts";

export const me = z.object({ name: z.string(), role: z.enum(["viewer", "operator", "admin"]) }).meta({ id: "Me" });

export const problem = z
  .object({
    error: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    /** As it is now: when an action on an incident was refused. */
    incident: incident.optional(),
  })
  .meta({ id: "Problem" });

export const health = z.object({ ok: z.boolean(), reasons: z.array(z.string()) }).meta({ id: "Health" });

/**
 * Server-sent events on /api/v1/stream, each `data` one of these as JSON. The stream starts with `hello`. What changed has
 * an id: with the last one that arrived a reconnect goes on after it, and then `resumed` is true and nothing was missed.
 * `reset`: something was, and who needs the present state fetches it.
 */
export const streamEvent = z
  .discriminatedUnion("type", [
    z.object({ type: z.literal("hello"), now: z.number(), version: z.string(), resumed: z.boolean() }),
    /** The ring has gone on, the ids are of another process (it was started again), or this client reads too slowly. */
    z.object({ type: z.literal("reset"), why: z.enum(["too_old", "other_process", "too_slow"]) }),
    z.object({ type: z.literal("beat"), now: z.number() }),
    z.object({ type: z.literal("incident"), incident }),
    z.object({
      type: z.literal("device"),
      site: z.string(),
      device: z.string(),
      state: deviceState,
      worst: severity.nullable(),
    }),
    /** Which devices have fresh values; a page that shows one of them fetches it again. At most one a second. */
    z.object({ type: z.literal("values"), site: z.string(), devices: z.array(z.string()) }),
    z.object({ type: z.literal("agent"), site: z.string(), agent: z.string(), online: z.boolean() }),
    /** Rules, or any of the files beside them, were edited: also what follows from them may be another one now. */
    z.object({ type: z.literal("rules"), version: z.string(), refused: z.array(z.string()) }),
    /** Of these incidents somebody is to be told, was told or could not be; null: of many. */
    z.object({ type: z.literal("notifications"), incidents: z.array(z.string()).nullable() }),
  ])
  .meta({ id: "StreamEvent" });

export type StreamEvent = z.infer<typeof streamEvent>;
