import type { FastifyInstance } from "fastify";
import { hasZodFastifySchemaValidationErrors, isResponseSerializationError } from "fastify-type-provider-zod";
import type { z } from "zod";
import { PasswordsBusy } from "./password.ts";
import type { problem } from "./schema/service.ts";

export type Problem = z.infer<typeof problem>;

/** An expected refusal, thrown by handlers and hooks of this folder and answered as a Problem with this status. */
export class Refused extends Error {
  readonly statusCode: number;
  readonly code: string;
  readonly hint: string | undefined;
  /** As it is now, when an action on it was refused. */
  readonly incident: Problem["incident"];

  constructor(
    statusCode: number,
    code: string,
    message: string,
    more: { readonly hint?: string; readonly incident?: Problem["incident"] } = {},
  ) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
    this.hint = more.hint;
    this.incident = more.incident;
  }
}

/** Codes of Fastify's own errors in the words of this API; the rest is `bad_request`. */
const FASTIFY_CODES: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "too_large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "media_type",
  FST_ERR_CTP_INVALID_JSON_BODY: "not_json",
  FST_ERR_CTP_EMPTY_JSON_BODY: "not_json",
  FST_ERR_HANDLER_TIMEOUT: "timeout",
};

/** A request that failed through no fault of who asked: a bug, or a store that cannot answer. */
export type ApiFailure = { readonly method: string; readonly route: string; readonly error: unknown };

/** Every error leaves as `{error, message, hint?}`; what a bug throws goes to `onFailure` and is not shown. */
export function installProblems(app: FastifyInstance, onFailure: (failure: ApiFailure) => void): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, problem } = problemOf(error);
    if (status === 500) onFailure({ method: request.method, route: request.routeOptions.url ?? "", error });
    reply.code(status).header("cache-control", "no-store").type("application/json; charset=utf-8");
    return reply.serializer(JSON.stringify).send(problem);
  });
}

export function problemOf(error: unknown): { status: number; problem: Problem } {
  if (error instanceof Refused) {
    const { statusCode: status, code, message, hint, incident } = error;
    const more = { ...(hint !== undefined && { hint }), ...(incident !== undefined && { incident }) };
    return { status, problem: { error: code, message, ...more } };
  }
  if (error instanceof PasswordsBusy) {
    return { status: 503, problem: { error: "busy", message: "Too many sign-ins at once; try again in a second." } };
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const message = error.validation
      .slice(0, 5)
      .map(
        (issue) =>
          `${[error.validationContext ?? "request", ...issue.instancePath.split("/").slice(1)].join(".")}: ${issue.message}`,
      )
      .join("; ");
    return { status: 400, problem: { error: "invalid", message } };
  }
  if (!isResponseSerializationError(error) && error instanceof Error && "statusCode" in error) {
    const status = Number(error.statusCode);
    const code = "code" in error ? String(error.code) : "";
    if (status >= 400 && status < 500) {
      return { status, problem: { error: FASTIFY_CODES[code] ?? "bad_request", message: error.message } };
    }
    if (status === 503) return { status, problem: { error: FASTIFY_CODES[code] ?? "busy", message: error.message } };
  }
  return { status: 500, problem: { error: "internal", message: "The collector failed to answer; its log says why." } };
}
