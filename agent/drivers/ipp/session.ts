/**
 * Asks IPP over HTTP (RFC 8010 4): a POST for each question. Over TCP, TLS, or the socket of this host's own CUPS. A
 * redirect is not followed, and no password is ever sent.
 */
import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { err, ok, type Result } from "@aislewatch/base";
import type { PollContext, PollError } from "../driver.ts";
import { decodeReply, encodeQuestion, IPP_LIMITS, type IppQuestion, type IppReply, type IppVersion } from "./codec.ts";

export type Queue = {
  /** `ipp` or `ipps`, as the printer knows itself. */
  readonly uri: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly secure: boolean;
  /** The socket of a CUPS on this host, instead of host and port. */
  readonly socket: string | null;
  /** Whether a certificate that nobody vouches for is taken: most printers made their own. */
  readonly anyCertificate: boolean;
};

/** What is asked, and what is kept of the answer. */
export type IppAsk = Pick<IppQuestion, "operation" | "attributes" | "limit">;
export type IppContext = Pick<PollContext, "signal">;

const REQUEST_ID_MAX = 0x7fff_ffff;
/** RFC 8011 B.1.4.4, .5. */
const STATUS = { okLast: 0x00ff, versionNotSupported: 0x0503, notFound: 0x0406, forbidden: [0x0401, 0x0402, 0x0403] };

export class IppSession {
  readonly #queue: Queue;
  #version: IppVersion = "2.0";
  #requestId = 0;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  async ask(question: IppAsk, context: IppContext): Promise<Result<IppReply, PollError>> {
    const first = await this.#exchange(question, context);
    if (!first.ok || first.value.status !== STATUS.versionNotSupported)
      return first.ok ? checked(first.value, question) : first;
    // Old print servers know 1.1 only; a few new ones refuse it.
    this.#version = this.#version === "2.0" ? "1.1" : "2.0";
    const second = await this.#exchange(question, context);
    return second.ok ? checked(second.value, question) : second;
  }

  async #exchange(question: IppAsk, context: IppContext): Promise<Result<IppReply, PollError>> {
    this.#requestId = (this.#requestId % REQUEST_ID_MAX) + 1;
    const answered = await post(
      this.#queue,
      encodeQuestion({
        ...question,
        version: this.#version,
        requestId: this.#requestId,
        printerUri: question.operation === "cupsGetPrinters" ? null : this.#queue.uri,
      }),
      context,
    );
    if (!answered.ok) return answered;
    const decoded = decodeReply(answered.value, new Set(question.attributes));
    return decoded.ok ? decoded : err({ kind: "protocol", detail: decoded.error.detail });
  }
}

function checked(reply: IppReply, { operation }: IppAsk): Result<IppReply, PollError> {
  if (reply.status <= STATUS.okLast) return ok(reply);
  // So CUPS says that it has no queues.
  if (operation === "cupsGetPrinters" && reply.status === STATUS.notFound) return ok({ ...reply, groups: [] });
  const code = `0x${reply.status.toString(16).padStart(4, "0")}`;
  if (reply.status === STATUS.notFound) {
    return err({ kind: "config", detail: `there is no such queue (IPP status ${code})`, hint: "lpstat -v lists them" });
  }
  if (STATUS.forbidden.includes(reply.status)) {
    return err({ kind: "auth", detail: `the printer does not show its state to this host (IPP status ${code})` });
  }
  return err({ kind: "protocol", detail: `the printer refused the question: IPP status ${code}` });
}

function post(queue: Queue, body: Uint8Array, { signal }: IppContext): Promise<Result<Uint8Array, PollError>> {
  const options: RequestOptions = {
    method: "POST",
    path: queue.path,
    headers: { "content-type": "application/ipp", "content-length": body.length, accept: "application/ipp" },
    // One connection a question: print servers have room for few, and polls are minutes apart.
    agent: false,
    signal,
    ...(queue.socket === null ? { host: queue.host, port: queue.port } : { socketPath: queue.socket }),
  };
  return new Promise((resolve) => {
    const onReply = (reply: IncomingMessage): void => {
      collect(reply).then(resolve, (thrown: Error) => resolve(err(failureOf(thrown, queue))));
    };
    const sent = queue.secure
      ? httpsRequest({ ...options, rejectUnauthorized: !queue.anyCertificate }, onReply)
      : httpRequest(options, onReply);
    sent.on("error", (error) => resolve(err(failureOf(error, queue))));
    sent.end(body);
  });
}

async function collect(reply: IncomingMessage): Promise<Result<Uint8Array, PollError>> {
  const { statusCode = 0 } = reply;
  if (statusCode !== 200) {
    reply.destroy();
    return err(refusalOf(statusCode));
  }
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of reply as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > IPP_LIMITS.replyBytesMax) {
      reply.destroy();
      return err({ kind: "protocol", detail: `a reply of more than ${IPP_LIMITS.replyBytesMax} bytes` });
    }
    chunks.push(chunk);
  }
  return ok(Buffer.concat(chunks));
}

function refusalOf(statusCode: number): PollError {
  const detail = `HTTP status ${statusCode}`;
  if (statusCode === 401 || statusCode === 403) return { kind: "auth", detail };
  if (statusCode === 426)
    return { kind: "config", detail, hint: "it talks over TLS only: write ipps:// instead of ipp://" };
  if (statusCode === 404) return { kind: "config", detail, hint: "a printer's own path is mostly /ipp/print" };
  return { kind: "protocol", detail };
}

const KINDS: Readonly<Record<string, PollError["kind"]>> = {
  ECONNREFUSED: "refused",
  ENOENT: "refused",
  EACCES: "config",
  ABORT_ERR: "timeout",
  ETIMEDOUT: "timeout",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  ENOTFOUND: "unreachable",
  EAI_AGAIN: "unreachable",
};

function failureOf(error: Error, queue: Queue): PollError {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const at = queue.socket ?? `${queue.host}:${queue.port}`;
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) {
    const hint = "a printer's own certificate is taken with `certificate: any`";
    return { kind: "config", detail: `${at}: its certificate is not trusted (${code})`, hint };
  }
  if (code === "ENOENT") return { kind: "refused", detail: `${at}: there is no CUPS here` };
  return {
    kind: KINDS[code] ?? (code.startsWith("HPE_") ? "protocol" : "io"),
    detail: `${at}: ${code || error.message}`,
  };
}
