/**
 * E-mail by SMTP (RFC 5321), through nodemailer: one connection a message, encrypted unless it stays on this machine,
 * with an end whatever the server does. The Message-ID follows from the notification's id, so a repeat is the same mail to
 * whoever sorts out duplicates; the mails of an incident are one thread.
 */
import { connect, isIP, type Socket } from "node:net";
import { err, errorText, ok, type Result } from "@aislewatch/base";
import { createTransport } from "nodemailer";
import { type Channel, type DeliveryFailure, fitForLog, type RateLimit, type Receipt } from "./channel.ts";
import { type EmailTemplate, mailText } from "./email-template.ts";
import type { Message } from "./message.ts";

export type EmailConfig = {
  readonly kind: "email";
  readonly host: string;
  readonly port: number;
  /** `starttls` and `implicit` verify the certificate; `none` is for a server on this machine. */
  readonly tls: "starttls" | "implicit" | "none";
  /** PEM of who vouches for the server, instead of those that Node knows. */
  readonly ca: string | null;
  readonly auth: { readonly user: string; readonly password: string } | null;
  readonly from: string;
  readonly to: readonly string[];
  readonly templates: readonly EmailTemplate[];
};

type EmailOptions = EmailConfig & {
  readonly name: string;
  readonly timeoutMs: number;
  readonly giveUpAfterMs: number;
  readonly rate: RateLimit | null;
};

export function createEmail(config: EmailOptions): Channel {
  const { host, port, to, timeoutMs, giveUpAfterMs, rate } = config;

  async function send(message: Message, socket: Socket): Promise<Result<Receipt, DeliveryFailure>> {
    const transport = createTransport(transportOptions(config, socket));
    try {
      const { response, rejected } = await transport.sendMail(mailOf(message, config));
      const some = rejected.length === 0 ? "" : `; refused for ${rejected.length} of ${to.length} receivers`;
      return ok({ status: codeOf(response), detail: fitForLog(`${response}${some}`) });
    } catch (thrown) {
      return err(failureOf(thrown));
    } finally {
      transport.close();
    }
  }

  return {
    kind: "email",
    target: `${to.join(", ")} by ${host}:${port}`,
    timeoutMs,
    giveUpAfterMs,
    rate,
    async deliver(message, signal) {
      const socket = connect({ host, port });
      const connected = await whenConnected(socket, signal);
      if (connected !== null) return err({ retryable: true, status: null, detail: connected });
      // A server that drips one line a minute never is idle: what ends this is that the socket goes.
      const end = (): void => void socket.destroy();
      signal.addEventListener("abort", end, { once: true });
      const result = await send(message, socket);
      signal.removeEventListener("abort", end);
      socket.destroy();
      if (!result.ok && signal.aborted) {
        return err({ retryable: true, status: null, detail: `no answer within ${timeoutMs} ms` });
      }
      return result;
    },
  };
}

/** Null, or why there is no connection. */
function whenConnected(socket: Socket, signal: AbortSignal): Promise<string | null> {
  return new Promise((resolve) => {
    const done = (detail: string | null): void => {
      signal.removeEventListener("abort", ended);
      if (detail !== null) socket.destroy();
      resolve(detail);
    };
    const ended = (): void => done("no connection in time");
    signal.addEventListener("abort", ended, { once: true });
    // Stays: nodemailer takes its own listeners away when it is done, and an error without one ends the process.
    socket.on("error", (error) => done(fitForLog(errorText(error))));
    socket.once("connect", () => done(null));
  });
}

function transportOptions({ host, port, tls, ca, auth, timeoutMs }: EmailOptions, socket: Socket) {
  return {
    ...{ host, port, connection: socket },
    secure: tls === "implicit",
    requireTLS: tls === "starttls",
    ignoreTLS: tls === "none",
    ...(auth !== null && { auth: { user: auth.user, pass: auth.password } }),
    tls: { ...(isIP(host) === 0 && { servername: host }), ...(ca !== null && { ca }) },
    ...{ connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  };
}

function mailOf(message: Message, { name, from, to, templates }: EmailOptions) {
  const { subject, text, html } = mailText(message, name, templates);
  const domain = from.slice(from.lastIndexOf("@") + 1).replace(/>.*$/, "");
  const root = message.group?.id ?? message.incident?.id ?? null;
  const thread = root === null ? null : `<${idPart(root)}@${domain}>`;
  return {
    ...{ from, to: [...to], subject, text, html },
    messageId: `<notification.${idPart(message.id)}@${domain}>`,
    date: new Date(message.at),
    // The thread's first message is none that was ever sent: all of an incident, or of a group, hang below it, whichever
    // comes first.
    ...(thread !== null && { inReplyTo: thread, references: thread }),
    headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
  };
}

/** What may stand in a Message-ID (RFC 5322, 3.2.3). */
const idPart = (id: string): string => id.replaceAll("/", ".").replaceAll(/[^A-Za-z0-9.-]/g, "-");

const codeOf = (response: string | undefined): number | null => {
  const code = /^(\d{3})\b/.exec(response ?? "")?.[1];
  return code === undefined ? null : Number(code);
};

/**
 * A 5yz for the receivers or for the message (RFC 5321, 4.2.1) stays one. A refused password or a server without TLS
 * somebody can mend, and a 4yz is "later" (greylisting, a full mailbox).
 */
function failureOf(thrown: unknown): DeliveryFailure {
  const { code, responseCode } = named(thrown);
  const isPermanent = responseCode !== null && responseCode >= 500 && (code === "EENVELOPE" || code === "EMESSAGE");
  return { retryable: !isPermanent, status: responseCode, detail: fitForLog(errorText(thrown)) };
}

function named(thrown: unknown): { code: string | null; responseCode: number | null } {
  if (!(thrown instanceof Error)) return { code: null, responseCode: null };
  const code = "code" in thrown && typeof thrown.code === "string" ? thrown.code : null;
  const answered = "responseCode" in thrown && typeof thrown.responseCode === "number" ? thrown.responseCode : null;
  return { code, responseCode: answered };
}
