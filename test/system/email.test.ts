/**
 * A collector that is killed with SIGKILL again and again while its mail server, a real one with STARTTLS and a password,
 * hangs in each phase, defers, is away or closes: every notification arrives, a repeat has the same Message-ID, and all of an
 * incident is one thread in the order in which it happened.
 */
import { afterAll, describe, expect, it } from "vitest";
import { zplOverTcp } from "../rig/devices.ts";
import { allDelivered, disturb, MEDIA_RULES, outOfOrder, printersOf, toBeTold } from "../rig/notified.ts";
import { cleanUp, runOnce, startAgent, startCollector, WEBHOOK_SECRET, waitFor } from "../rig/rig.ts";
import { SMTP_MOODS, type SmtpMail, startSmtp } from "../rig/smtp.ts";

const notificationOf = ({ messageId }: SmtpMail): string =>
  messageId.replace(/^notification\.(.+)@example\.com$/, "$1").replace(/\.(\d+)$/, "/$1");

describe("mails of a collector that is killed", () => {
  afterAll(cleanUp);

  it("all arrive, whatever the server does in whatever phase, and repeats have the same Message-ID", async () => {
    const server = await startSmtp(SMTP_MOODS, WEBHOOK_SECRET);
    const printers = [await zplOverTcp(), await zplOverTcp()] as const;
    const collector = await startCollector({
      rules: MEDIA_RULES,
      notifications: `channels:
  - name: mail
    email:
      server: smtp://localhost:${server.port}
      ca: ${JSON.stringify(server.ca)}
      user: aislewatch
      password: file:webhook-secret
      from: Aislewatch <aislewatch@example.com>
      to: noc@example.com
    timeout: 1s
routes:
  - { on: [opened, reopened, recovered], to: mail }
templates:
  - { on: opened, subject: "{{incident.priority}}: {{incident.title}}" }
`,
    });
    await startAgent(collector, "store-1/pc", printersOf(printers));
    await disturb(collector, printers, [700, 350, 1_300, 900, 500, 1_800, 1_000, 400], () => undefined);
    // What waits meets every mood once, also of those that are retried only after a while.
    await waitFor(
      "every mood of the server",
      async () => {
        await collector.api("/notifications/channels/mail/test", {});
        return SMTP_MOODS.every((mood) => server.moods.includes(mood));
      },
      90_000,
    );
    await server.recover();
    await allDelivered(collector);
    const asked = ["--url", collector.http];
    const env = { AISLEWATCH_TOKEN: collector.token };
    const shown = await runOnce("packages/cli/main.ts", ["notify", "preview", "mail", ...asked], { env });
    expect([shown.code, shown.stdout, shown.stderr]).toEqual([
      0,
      expect.stringMatching(/^Subject: P2: Labels used up\n/),
      "",
    ]);
    const who = await runOnce("packages/cli/main.ts", ["notify", "who", "INC-000001", ...asked], { env });
    expect(who.stdout).toMatch(/opened +mail +delivered/);

    const mails = server.mails.filter(({ messageId }) => !messageId.startsWith("notification.test."));
    const wanted = (await toBeTold(collector)).toSorted();
    const first = [...new Map(mails.map((mail) => [mail.messageId, mail])).values()];
    expect(first.map(notificationOf).toSorted()).toEqual(wanted);
    expect(outOfOrder(first.map(notificationOf))).toEqual([]);
    expect(mails.every(({ isSecret }) => isSecret)).toBe(true);
    // A server that took it and did not say so has it twice, by the same name and in the same words.
    const words = new Map<string, string>();
    for (const { messageId, text } of mails) {
      const said = contentOf(text);
      expect(words.get(messageId) ?? said).toBe(said);
      words.set(messageId, said);
    }
    for (const mail of mails) {
      const [incident = ""] = notificationOf(mail).split("/");
      expect(mail.text).toMatch(new RegExp(`^References: <${incident}@example\\.com>$`, "m"));
    }
    expect(mails.some(({ text }) => /^Subject: P\d: Media out$/m.test(text))).toBe(true);
    process.stdout.write(
      `mail: ${first.length} notifications over 8 kills in ${server.moods.length} sessions, ${mails.length - first.length} came again\n`,
    );
  });
});

/** Without what is made anew for each sending: the boundary between its parts. */
const contentOf = (text: string): string => {
  const boundary = /boundary="([^"]+)"/.exec(text)?.[1];
  return boundary === undefined ? text : text.replaceAll(boundary, "");
};
