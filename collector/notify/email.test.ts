/** E-mail against a real SMTP server (aiosmtpd) on loopback, and against some that misbehave. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { cert, key } from "../api/test-certificate.ts";
import { unlistedSite } from "../sites.ts";
import { anIncident } from "../store/state/contract-data.ts";
import type { Channel } from "./channel.ts";
import { createEmail, type EmailConfig } from "./email.ts";
import { groupMessage, incidentMessage } from "./message.ts";

/** Of attempts that are meant to run out. */
const TIMEOUT_MS = 1_500;
const WHERE = { site: unlistedSite("berlin-01"), kind: "label_printer", page: null, firstSteps: ["Put in a roll."] };
const INCIDENT = anIncident("INC-000001", { title: "Größe\r\nBcc: everybody@example.com 🖨️" });
const MESSAGE = incidentMessage({ id: "INC-000001/5", event: "opened", at: 1_700_000_000_000 }, INCIDENT, WHERE);

const SERVER = `
import asyncio, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult
given = json.loads(sys.argv[1])
came = set()
class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone@"): return "550 5.1.1 no such mailbox"
        if address.startswith("full@"): return "452 4.2.2 mailbox full"
        if address.startswith("grey@") and address not in came:
            came.add(address)
            return "451 4.7.1 greylisted, come again"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        if b"X-Spam" in envelope.content: return "554 5.7.1 spam"
        print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": server.transport.get_extra_info("ssl_object") is not None,
            "user": session.authenticated, "mail": envelope.content.decode()}), flush=True)
        return "250 2.0.0 queued"
def check(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"aislewatch" and data.password == b"right", handled=False)
context = None
if given["tls"]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given["cert"], given["key"])
async def main():
    options = dict(authenticator=check, auth_required=True, auth_require_tls=given["tls"] == "starttls") if given["auth"] else {}
    starttls = dict(tls_context=context, require_starttls=True) if given["tls"] == "starttls" else {}
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Handler(), hostname="mail.test", **options, **starttls), "127.0.0.1", 0,
        ssl=context if given["tls"] == "implicit" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
`;

type Mail = { from: string; to: string[]; tls: boolean; user: boolean; mail: string };
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function smtpServer(given: { tls?: "starttls" | "implicit"; auth?: boolean } = {}) {
  const folder = mkdtempSync(join(tmpdir(), "aislewatch-smtp-"));
  closing.push(() => rmSync(folder, { recursive: true }));
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  const options = JSON.stringify({ ...files, tls: given.tls ?? null, auth: given.auth ?? false });
  // Debian's own Python has Debian's packages, whatever other one stands first in the path.
  const child: ChildProcess = spawn("/usr/bin/python3", ["-c", SERVER, options], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  closing.push(() => void child.kill());
  if (child.stdout === null) throw new Error("no output");
  const mails: Mail[] = [];
  const waiting: (() => void)[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    let isFirst = true;
    child.once("exit", () => reject(new Error("aiosmtpd did not start: install python3-aiosmtpd")));
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      if (isFirst) resolve(Number(line));
      else mails.push(JSON.parse(line) as Mail);
      isFirst = false;
      for (const tell of waiting.splice(0)) tell();
    });
  });
  const nextMail = async (): Promise<Mail> => {
    for (;;) {
      const mail = mails.shift();
      if (mail !== undefined) return mail;
      await new Promise<void>((tell) => waiting.push(tell));
    }
  };
  return { port, nextMail };
}

async function tcpServer(talk: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    talk(socket);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

const email = (port: number, given: Partial<EmailConfig> = {}): Channel =>
  createEmail({
    ...{ kind: "email", host: "127.0.0.1", port, tls: "none", ca: null, auth: null },
    ...{ name: "noc-mail", from: "Aislewatch <aislewatch@example.com>", to: ["noc@example.com"], templates: [] },
    ...{ timeoutMs: 15_000, giveUpAfterMs: 60_000, rate: null },
    ...given,
  });
const deliver = (channel: Channel, withinMs = 15_000) => channel.deliver(MESSAGE, AbortSignal.timeout(withinMs));

describe("an e-mail", () => {
  it("is taken by a real server, the same Message-ID each time, in the thread of its incident, with nothing injected", async () => {
    const { port, nextMail } = await smtpServer();
    const channel = email(port);
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(await deliver(channel)).toMatchObject({ ok: true, value: { status: 250 } });
      const { from, to, mail } = await nextMail();
      expect([from, to]).toEqual(["aislewatch@example.com", ["noc@example.com"]]);
      const headers = mail.slice(0, mail.indexOf("\r\n\r\n"));
      expect(headers).toMatch(/^Message-ID: <notification\.INC-000001\.5@example\.com>$/m);
      expect(headers).toMatch(/^In-Reply-To: <INC-000001@example\.com>$/m);
      expect(headers).toMatch(/^References: <INC-000001@example\.com>$/m);
      expect(headers).toMatch(/^Date: Tue, 14 Nov 2023 22:13:20 \+0000$/m);
      expect(headers).toMatch(/^Auto-Submitted: auto-generated$/m);
      expect(headers).not.toMatch(/^Bcc:/m);
      expect(mail).toMatch(/Content-Type: text\/plain/);
      expect(mail).toMatch(/Content-Type: text\/html/);
      expect(mail).toContain("Put in a roll.");
    }
  });

  it("of a group is in the thread of its group, under an id of its own", async () => {
    const { port, nextMail } = await smtpServer();
    const group = {
      id: "group/noc-mail/INC-000001/5",
      by: { site: "berlin-01" },
      number: 2,
      standing: 0,
      isOver: true,
    };
    const told = groupMessage(`${group.id}/2`, 1_700_000_000_000, [MESSAGE], { ...group, incidents: [] });
    if (told === null) throw new Error("no message");
    expect(await email(port).deliver(told, AbortSignal.timeout(15_000))).toMatchObject({ ok: true });
    const { mail } = await nextMail();
    const headers = mail.slice(0, mail.indexOf("\r\n\r\n")).replaceAll(/\r\n\s+/g, " ");
    expect(headers).toMatch(/^Message-ID: <notification\.group\.noc-mail\.INC-000001\.5\.2@example\.com>$/m);
    expect(headers).toMatch(/^References: <group\.noc-mail\.INC-000001\.5@example\.com>$/m);
  });

  it.each([
    { name: "by STARTTLS", tls: "starttls" },
    { name: "with TLS from the first byte", tls: "implicit" },
  ] as const)("goes encrypted and signed in $name", async ({ tls }) => {
    const { port, nextMail } = await smtpServer({ tls, auth: true });
    const auth = { user: "aislewatch", password: "right" };
    expect(await deliver(email(port, { tls, host: "localhost", ca: cert, auth }))).toMatchObject({ ok: true });
    expect(await nextMail()).toMatchObject({ tls: true, user: true });
  });

  it.each([
    { name: "a certificate that nobody vouches for", tls: "starttls", given: { tls: "starttls" } },
    { name: "the same from the first byte", tls: "implicit", given: { tls: "implicit" } },
    { name: "a server that has no TLS", tls: undefined, given: { tls: "starttls" } },
  ] as const)("does not go to $name", async ({ tls, given }) => {
    const { port } = await smtpServer(tls === undefined ? {} : { tls });
    expect(await deliver(email(port, { host: "localhost", ...given }))).toMatchObject({
      ok: false,
      error: { retryable: true },
    });
  });

  it.each([
    { name: "a wrong password", auth: true, to: "noc@example.com", status: 535, retryable: true },
    { name: "a mailbox that is full", auth: false, to: "full@example.com", status: 452, retryable: true },
    { name: "a mailbox that is gone", auth: false, to: "gone@example.com", status: 550, retryable: false },
  ])("is answered $status for $name, and may be sent again: $retryable", async ({ auth, to, status, retryable }) => {
    const { port } = await smtpServer({ auth });
    const login = auth ? { auth: { user: "aislewatch", password: "wrong" } } : {};
    const result = await deliver(email(port, { to: [to], ...login }));
    expect(result).toMatchObject({ ok: false, error: { status, retryable } });
    expect(result.ok ? "" : result.error.detail).not.toContain("wrong");
  });

  it("is taken at the second try by a server that greylists", async () => {
    const { port, nextMail } = await smtpServer();
    const channel = email(port, { to: ["grey@example.com"] });
    expect(await deliver(channel)).toMatchObject({ ok: false, error: { retryable: true, status: 451 } });
    expect(await deliver(channel)).toMatchObject({ ok: true });
    expect((await nextMail()).to).toEqual(["grey@example.com"]);
  });

  it("says when one of its receivers was refused", async () => {
    const { port, nextMail } = await smtpServer();
    const result = await deliver(email(port, { to: ["noc@example.com", "gone@example.com"] }));
    expect(result.ok ? result.value.detail : "").toContain("refused for 1 of 2 receivers");
    expect((await nextMail()).to).toEqual(["noc@example.com"]);
  });

  it.each([
    { name: "says nothing", talk: () => undefined },
    { name: "greets and hangs", talk: (socket: Socket) => void socket.write("220 mail.test ESMTP\r\n") },
    {
      name: "drips its greeting",
      talk: (socket: Socket) => {
        const timer = setInterval(() => socket.write("220-wait\r\n"), 100);
        socket.on("close", () => clearInterval(timer));
      },
    },
    { name: "closes at once", talk: (socket: Socket) => void socket.destroy() },
    { name: "speaks HTTP", talk: (socket: Socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n") },
  ])("fails, and may be sent again, in bounded time when the server $name", async ({ talk }) => {
    const port = await tcpServer(talk);
    const msToGiveUp = async (): Promise<number> => {
      const began = performance.now();
      expect(await deliver(email(port), TIMEOUT_MS)).toMatchObject({ ok: false, error: { retryable: true } });
      return performance.now() - began;
    };
    // Once more when the machine stood still.
    await expect.poll(msToGiveUp).toBeLessThan(TIMEOUT_MS + 1_500);
  });

  it("leaves no connection behind to a server that drips", async () => {
    let isClosed: () => void = () => undefined;
    const closed = new Promise<void>((done) => {
      isClosed = done;
    });
    const port = await tcpServer((socket) => {
      const timer = setInterval(() => socket.write("220-wait\r\n"), 100);
      socket.on("close", () => {
        clearInterval(timer);
        isClosed();
      });
    });
    await deliver(email(port), TIMEOUT_MS);
    await closed;
  });

  it("fails when nobody listens", async () => {
    const port = await tcpServer(() => undefined);
    for (const close of closing.splice(0)) await close();
    const result = await deliver(email(port));
    expect(result.ok ? "" : result.error.detail).toContain("ECONNREFUSED");
  });
});
