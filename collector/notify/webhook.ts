/**
 * A webhook: one signed POST of the message as JSON. Any 2xx is a delivery. Redirects are not followed (a secret-signed
 * message goes where the file says and nowhere else), certificates are verified, and of the answer no more is read than
 * what the log shows: a receiver that hangs, drips or never ends costs one attempt of `timeoutMs`.
 */
import { type LookupAddress, lookup as resolveName } from "node:dns";
import { type IncomingMessage, type RequestOptions, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { type Clock, err, errorText, ok, type Result } from "@aislewatch/base";
import { addressRefusal } from "./address-policy.ts";
import { type Channel, type DeliveryFailure, fitForLog, type RateLimit, type Receipt } from "./channel.ts";
import type { Message } from "./message.ts";
import { sign } from "./signature.ts";

export type WebhookConfig = {
  readonly kind: "webhook";
  readonly url: string;
  /** See signature.ts. */
  readonly key: Buffer;
  /** May lead into a private network, or to this machine. */
  readonly isPrivate: boolean;
};

/** Of an answer; enough for what a person wants to know of it. */
const ANSWER_BYTES_MAX = 1_024;
/** An answer whose body does not end within this has said what matters in its first line. */
const ANSWER_MS_MAX = 1_000;
const HEADER_BYTES_MAX = 16 * 1_024;
/** A receiver that asks for more gets this. */
const RETRY_AFTER_MS_MAX = 3_600_000;
/** What no repeat will change: the message itself is refused. Everything else a person can put right at the receiver. */
const REFUSALS: ReadonlySet<number> = new Set([400, 410, 413, 415, 422]);

type WebhookOptions = WebhookConfig & {
  readonly timeoutMs: number;
  readonly giveUpAfterMs: number;
  readonly rate: RateLimit | null;
};

export function createWebhook(config: WebhookOptions, clock: Clock): Channel {
  const { url, key, isPrivate, timeoutMs, giveUpAfterMs, rate } = config;
  const target = new URL(url);

  function post(message: Message, signal: AbortSignal): Promise<Result<Receipt, DeliveryFailure>> {
    const body = JSON.stringify(message);
    const timestamp = Math.floor(clock.now() / 1_000);
    const options: RequestOptions = {
      method: "POST",
      agent: false,
      signal,
      maxHeaderSize: HEADER_BYTES_MAX,
      lookup: guardedLookup(isPrivate),
      headers: {
        "content-type": "application/json; charset=utf-8",
        "content-length": Buffer.byteLength(body),
        "user-agent": "Aislewatch",
        "webhook-id": message.id,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": sign({ id: message.id, timestamp, body }, key),
      },
    };
    return new Promise((resolve) => {
      const fail = (thrown: unknown): void => {
        const detail = signal.aborted ? `no answer within ${timeoutMs} ms` : fitForLog(errorText(thrown));
        resolve(err({ retryable: true, status: null, detail }));
      };
      const send = target.protocol === "https:" ? requestHttps : requestHttp;
      const sent = send(target, options, (response) => {
        void answerOf(response, clock).then((text) => {
          resolve(outcomeOf(response, text, clock.now()));
          sent.destroy();
        });
      });
      sent.on("error", fail);
      sent.end(body);
    });
  }

  return {
    kind: "webhook",
    // A path often is the receiver's secret.
    target: target.host,
    timeoutMs,
    giveUpAfterMs,
    rate,
    async deliver(message, signal) {
      const literal = target.hostname.replace(/^\[|\]$/g, "");
      // A name is looked at when it is resolved; an address is not resolved.
      const refusal = /^[\d.]+$|:/.test(literal) ? addressRefusal(literal, isPrivate) : null;
      if (refusal !== null) return err({ retryable: true, status: null, detail: refusal });
      return post(message, signal);
    },
  };
}

/** Resolves a name to addresses that may be connected to; what is connected to is what was looked at. */
function guardedLookup(isPrivate: boolean): NonNullable<RequestOptions["lookup"]> {
  return (hostname, options, callback) => {
    resolveName(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const refusals = addresses.flatMap(({ address }) => addressRefusal(address, isPrivate) ?? []);
      const allowed = addresses.filter(({ address }) => addressRefusal(address, isPrivate) === null);
      const [first] = allowed;
      if (first === undefined) callback(new Error(refusals[0] ?? `${hostname} has no address`), []);
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/** The first words of the answer's body; whatever becomes of it, soon. */
function answerOf(response: IncomingMessage, clock: Clock): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const done = (): void => {
      cancel();
      response.destroy();
      resolve(text);
    };
    const cancel = clock.after(ANSWER_MS_MAX, done);
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      text = (text + chunk).slice(0, ANSWER_BYTES_MAX);
      if (text.length >= ANSWER_BYTES_MAX) done();
    });
    response.on("end", done);
    response.on("error", done);
    response.on("close", done);
  });
}

function outcomeOf(
  { statusCode: status = 0, headers }: IncomingMessage,
  text: string,
  nowMs: number,
): Result<Receipt, DeliveryFailure> {
  const said = fitForLog(text);
  const detail = said === "" ? `HTTP ${status}` : `HTTP ${status}: ${said}`;
  if (status >= 200 && status < 300) return ok({ status, detail: `HTTP ${status}` });
  if (status >= 300 && status < 400)
    return err({ retryable: true, status, detail: `HTTP ${status}: redirects are not followed` });
  const retryAfterMs = retryAfter(headers["retry-after"], nowMs);
  const retryable = !REFUSALS.has(status);
  return err({ retryable, status, detail, ...(retryAfterMs !== null && { retryAfterMs }) });
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfter(written: string | undefined, nowMs: number): number | null {
  if (written === undefined) return null;
  const ms = /^\d{1,9}$/.test(written) ? Number(written) * 1_000 : Date.parse(written) - nowMs;
  return Number.isNaN(ms) ? null : Math.min(RETRY_AFTER_MS_MAX, Math.max(0, ms));
}
