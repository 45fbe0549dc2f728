/**
 * A real SMTP server (aiosmtpd) that demands STARTTLS and a password, and whose mood is another one in each session, until
 * it is told to take everything.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { cert, key } from "../../collector/api/test-certificate.ts";
import { onCleanUp, tempFolder } from "./rig.ts";

/**
 * `hang …`: it never answers there; `hang end`: it took the mail and never says so. `later`: 4yz for the receiver;
 * `away`: 554 before anything; `cut`: it closes after the mail was sent, without a word.
 */
export const SMTP_MOODS = [
  "hang end",
  "take",
  "hang greeting",
  "hang ehlo",
  "later",
  "hang mail",
  "hang rcpt",
  "away",
  "hang data",
  "cut",
  "later data",
] as const;
export type SmtpMood = (typeof SMTP_MOODS)[number];

const SERVER = `
import asyncio, json, signal, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult
given = json.loads(sys.argv[1])
state = {"good": False, "sessions": 0}
def say(**what): print(json.dumps(what), flush=True)
async def never(): await asyncio.sleep(3600)
class Server(SMTP):
    async def _handle_client(self):
        if not hasattr(self, "mood"):
            moods = given["moods"]
            self.mood = "take" if state["good"] else moods[state["sessions"] % len(moods)]
            state["sessions"] += 1
            say(session=self.mood)
        if self.mood == "hang greeting": await never()
        if self.mood == "away":
            await self.push("554 5.3.2 no service today")
            self.transport.close()
            return
        await super()._handle_client()
    async def smtp_EHLO(self, hostname):
        if self.mood == "hang ehlo": await never()
        await super().smtp_EHLO(hostname)
    async def smtp_MAIL(self, arg):
        if self.mood == "hang mail": await never()
        await super().smtp_MAIL(arg)
    async def smtp_RCPT(self, arg):
        if self.mood == "hang rcpt": await never()
        if self.mood == "later":
            await self.push("450 4.2.0 come again")
            return
        await super().smtp_RCPT(arg)
    async def smtp_DATA(self, arg):
        if self.mood == "hang data": await never()
        await super().smtp_DATA(arg)
class Handler:
    async def handle_DATA(self, server, session, envelope):
        if server.mood == "later data": return "451 4.3.0 come again"
        is_secret = server.transport.get_extra_info("ssl_object") is not None and bool(session.authenticated)
        answered = server.mood not in ("hang end", "cut")
        say(mail=envelope.content.decode(), to=envelope.rcpt_tos, secret=is_secret, answered=answered)
        if server.mood == "hang end": await never()
        if server.mood == "cut":
            server.transport.close()
            await never()
        return "250 2.0.0 queued"
def check(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"aislewatch" and data.password.decode() == given["password"], handled=False)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(given["cert"], given["key"])
def recover():
    state["good"] = True
    say(good=True)
async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, recover)
    server = await asyncio.get_running_loop().create_server(
        lambda: Server(Handler(), hostname="mail.test", tls_context=context, require_starttls=True,
            authenticator=check, auth_required=True, auth_require_tls=True), "127.0.0.1", 0)
    say(port=server.sockets[0].getsockname()[1])
    await server.serve_forever()
asyncio.run(main())
`;

/** `isAnswered`: the sender was told that it was taken. `isSecret`: it came encrypted and signed in. */
export type SmtpMail = {
  readonly text: string;
  readonly messageId: string;
  readonly isAnswered: boolean;
  readonly isSecret: boolean;
};

export type SmtpRig = {
  readonly port: number;
  /** Of the certificate that vouches for it, as `localhost`. */
  readonly ca: string;
  /** All that came whole, in order. */
  readonly mails: SmtpMail[];
  /** Of each session so far. */
  readonly moods: string[];
  /** From now on everything is taken; resolves once the server knows. */
  recover(): Promise<void>;
};

export async function startSmtp(moods: readonly SmtpMood[], password: string): Promise<SmtpRig> {
  const folder = tempFolder();
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  const options = JSON.stringify({ ...files, moods, password });
  // Debian's own Python has Debian's packages, whatever other one stands first in the path.
  const child = spawn("/usr/bin/python3", ["-c", SERVER, options], { stdio: ["ignore", "pipe", "ignore"] });
  onCleanUp(() => void child.kill());
  const mails: SmtpMail[] = [];
  const had: string[] = [];
  let recovered: () => void = () => undefined;
  const port = await new Promise<number>((resolve, reject) => {
    child.once("exit", () => reject(new Error("aiosmtpd did not start: install python3-aiosmtpd")));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const said = JSON.parse(line) as {
        port?: number;
        good?: boolean;
        session?: string;
        mail?: string;
        secret?: boolean;
        answered?: boolean;
      };
      if (said.port !== undefined) resolve(said.port);
      if (said.session !== undefined) had.push(said.session);
      if (said.good === true) recovered();
      if (said.mail === undefined) return;
      const messageId = /^Message-ID:\s+<([^>]+)>/m.exec(said.mail)?.[1] ?? "";
      mails.push({ text: said.mail, messageId, isAnswered: said.answered === true, isSecret: said.secret === true });
    });
  });
  const recover = (): Promise<void> =>
    new Promise((done) => {
      recovered = done;
      child.kill("SIGUSR1");
    });
  return { port, ca: files.cert, mails, moods: had, recover };
}
