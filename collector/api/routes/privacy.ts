import { Readable } from "node:stream";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { auditExport } from "../../privacy/audit-export.ts";
import { cursorParam, cursorsOf, linkNext } from "../cursor.ts";
import type { ApiDeps } from "../deps.ts";
import { identityOf } from "../guard.ts";
import { Refused } from "../problem.ts";
import { auditRecord, erasure, personTrace } from "../schema/privacy.ts";
import { problem } from "../schema/service.ts";

const name = z
  .string()
  .trim()
  .min(2)
  .max(128)
  .regex(/^[^\p{Cc}]+$/u, "a name without control characters");
const PAGE_MAX = 1_000;
const cursors = cursorsOf("audit", z.tuple([z.number().int().min(0)]));

/** What is held of people, what becomes of it, and who did what: for administrators. */
export function privacyRoutes(deps: ApiDeps, options: { version: string }): FastifyPluginAsyncZod {
  const { privacy, state, clock } = deps;
  return async (app) => {
    app.get(
      "/privacy/person",
      {
        config: { access: "administer" },
        schema: {
          tags: ["privacy"],
          summary: "All that is held of a person, by their name",
          querystring: z.object({ name }),
          response: { 200: personTrace, default: problem },
        },
      },
      async (request) => {
        const found = privacy.trace(request.query.name);
        // Who looked is on record, and the record does not add to what is held.
        audit(request, "person_exported", `${found.recordCount} records`);
        return { ...found, records: [...found.records], files: [...found.files] };
      },
    );

    app.post(
      "/privacy/erase",
      {
        config: { access: "administer" },
        schema: {
          tags: ["privacy"],
          summary: "Gives a person another name in everything that is held, or says what that would do",
          description: "409 `still_user` while they may sign in. All or nothing.",
          body: z.object({
            name,
            trial: z.boolean().default(false).describe("only say what would be done"),
            inText: z.boolean().default(false).describe("also where the name stands in texts that people wrote"),
          }),
          response: { 200: erasure, default: problem },
        },
      },
      async (request) => {
        const { name: person, trial: isTrial, inText } = request.body;
        const done = privacy.erase({ name: person, isTrial, inText, by: identityOf(request).actor });
        if (!done.ok) throw new Refused(STATUS[done.error.code], done.error.code, done.error.message);
        const { texts, files, records } = done.value;
        return { ...done.value, texts: [...texts], files: [...files], records: { ...records } };
      },
    );

    app.get(
      "/audit/log",
      {
        config: { access: "administer" },
        schema: {
          tags: ["privacy"],
          summary: "Who signed in, and what was administered; newest first",
          querystring: z.object({
            limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(200),
            cursor: cursorParam,
          }),
          response: { 200: z.array(auditRecord), default: problem },
        },
      },
      async (request, reply) => {
        const { limit, cursor } = request.query;
        const found = state.pages.audit(cursors.read(cursor)?.[0] ?? null, limit + 1);
        const page = found.slice(0, limit);
        const last = page.at(-1);
        linkNext(request, reply, found.length > limit && last !== undefined ? cursors.write([last.place]) : null);
        return page.map(({ record }) => record);
      },
    );

    app.get(
      "/audit/export",
      {
        config: { access: "administer" },
        schema: {
          tags: ["privacy"],
          summary: "Everything that was written down in a time, as lines of JSON that vouch for each other",
          querystring: z.object({
            from: z.coerce.number().int().min(0).describe("Unix ms"),
            to: z.coerce.number().int().min(0).describe("Unix ms; not included"),
          }),
          response: {
            200: { description: "JSON lines", content: { "application/x-ndjson": { schema: z.string() } } },
            default: problem,
          },
        },
      },
      async (request, reply) => {
        const { from, to } = request.query;
        if (from >= to) throw new Refused(422, "range", "`to` must be after `from`.");
        const head = { from, to, madeAt: clock.now(), version: options.version };
        const turn = () => new Promise<void>((done) => setImmediate(done));
        const lines = auditExport(state, head, turn, (end) =>
          audit(request, "audit_exported", `${from} to ${to}: ${end.lines} lines, sha256 ${end.hash}`),
        );
        reply.type("application/x-ndjson; charset=utf-8");
        // A stream goes out as it is: the types know of whole answers only.
        const plain: { send(payload: unknown): unknown } = reply;
        plain.send(Readable.from(lines));
        return reply;
      },
    );
  };

  function audit(request: Parameters<typeof identityOf>[0], action: string, detail: string): void {
    state.audit({ at: clock.now(), actor: identityOf(request).actor, action, detail });
  }
}

const STATUS = { still_user: 409, not_written: 503 } as const;
