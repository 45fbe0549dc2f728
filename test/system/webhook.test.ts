/**
 * A collector that is killed with SIGKILL again and again while faults come and go and its receiver is slow, refuses or
 * hangs: each notification arrives, at most repeated under the same id and word for word, and in the order of its
 * incident. Signatures are verified by the receiver, as any receiver would.
 */
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { afterAll, describe, expect, it } from "vitest";
import { zplOverTcp } from "../rig/devices.ts";
import { cleanUp, onCleanUp, startAgent, startCollector, WEBHOOK_SECRET, waitFor } from "../rig/rig.ts";

const RULES = `group: test
select: kind == "label_printer"
rules:
  - { id: media-out, title: "Media out", when: "media_out", for: 0s, severity: major, category: consumable }
`;

type Arrived = { readonly id: string; readonly body: string; readonly status: number };

/** What it answers, call by call, until it is told to take everything. */
const BAD_DAYS = ["take", "refuse", "take", "hang", "close", "take"] as const;

async function startReceiver() {
  const key = Buffer.from(WEBHOOK_SECRET.slice("whsec_".length), "base64");
  const arrived: Arrived[] = [];
  let isGood = false;
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      const id = String(request.headers["webhook-id"]);
      const signed = `${id}.${request.headers["webhook-timestamp"]}.${body}`;
      const signature = `v1,${createHmac("sha256", key).update(signed).digest("base64")}`;
      if (signature !== request.headers["webhook-signature"]) {
        response.writeHead(401).end();
        return;
      }
      const mood = isGood ? "take" : (BAD_DAYS[arrived.length % BAD_DAYS.length] ?? "take");
      arrived.push({ id, body, status: mood === "take" ? 204 : 500 });
      if (mood === "take") response.writeHead(204).end();
      else if (mood === "refuse") response.writeHead(503).end("not now");
      else if (mood === "close") request.socket.destroy();
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onCleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    port,
    arrived,
    recover() {
      isGood = true;
    },
  };
}

type Detail = { readonly events: readonly { readonly seq: number; readonly type: string }[] };
type Channel = { readonly name: string; readonly waiting: number; readonly isDown: boolean };
type Attempt = { readonly notification: string; readonly outcome: string };

describe("a webhook of a collector that is killed", () => {
  afterAll(cleanUp);

  it("gets every notification, each with one id and one wording, in the order of its incident", async () => {
    const receiver = await startReceiver();
    const printers = [await zplOverTcp(), await zplOverTcp()];
    const collector = await startCollector({
      rules: RULES,
      notifications: `channels:
  - name: tickets
    webhook: { url: "http://127.0.0.1:${receiver.port}/hook", secret: "file:webhook-secret", private: true }
    timeout: 1s
routes:
  - { on: [opened, reopened, recovered], to: tickets }
`,
    });
    await startAgent(
      collector,
      "store-1/pc",
      printers
        .map(
          ({ port }, n) =>
            `  - { id: p${n}, kind: label_printer, driver: zpl, every: 250ms, line: { tcp: "127.0.0.1:${port}" } }\n`,
        )
        .join(""),
    );
    const channels = () => collector.api<Channel[]>("/notifications/channels");
    for (const [round, pauseMs] of [400, 650, 900, 1_150, 1_400, 300].entries()) {
      const printer = printers[round % 2];
      if (round % 4 < 2) printer?.fault("media-out");
      else printer?.heal();
      await new Promise((done) => setTimeout(done, pauseMs));
      await collector.program.kill();
      await collector.restart();
    }
    receiver.recover();
    // Both are out of labels; what the agent kept over the last kill has to arrive before they are healed.
    await waitFor("both to stand, by their incidents", async () => {
      const { items } = await collector.api<{ items: { recoveredAt: number | null }[] }>("/incidents?state=all");
      return items.filter(({ recoveredAt }) => recoveredAt === null).length === 2;
    });
    for (const printer of printers) printer.heal();
    const shouldTell = async (): Promise<string[]> => {
      const { items } = await collector.api<{ items: { id: string }[] }>("/incidents?state=all");
      const details = await Promise.all(items.map(({ id }) => collector.api<Detail>(`/incidents/${id}`)));
      const told = new Set(["opened", "fired_again", "recovered"]);
      return items.flatMap(({ id }, index) =>
        (details[index]?.events ?? []).flatMap(({ seq, type }) => (told.has(type) ? [`${id}/${seq}`] : [])),
      );
    };
    await waitFor(
      "all to be taken",
      async () => {
        const { items } = await collector.api<{ items: { recoveredAt: number | null }[] }>("/incidents?state=all");
        const areOver = items.every(({ recoveredAt }) => recoveredAt !== null);
        return areOver && (await channels()).every(({ waiting }) => waiting === 0);
      },
      60_000,
    );

    const taken = new Set(receiver.arrived.filter(({ status }) => status === 204).map(({ id }) => id));
    expect([...taken].toSorted()).toEqual((await shouldTell()).toSorted());
    const words = new Map<string, string>();
    for (const { id, body } of receiver.arrived) {
      expect(words.get(id) ?? body).toBe(body);
      words.set(id, body);
    }
    const order = [...taken].map((id) => id.split("/")).map(([incident, seq]) => ({ incident, seq: Number(seq) }));
    for (const { incident } of order) {
      const own = order.filter((one) => one.incident === incident).map(({ seq }) => seq);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
    const repeats = receiver.arrived.length - words.size;
    process.stdout.write(`webhook: ${taken.size} notifications over 6 kills, ${repeats} sent again\n`);

    const { items: log } = await collector.api<{ items: Attempt[] }>("/notifications/log?channel=tickets&limit=500");
    expect(
      new Set(log.filter(({ outcome }) => outcome === "delivered").map(({ notification }) => notification)),
    ).toEqual(taken);
    const tried = await collector.api<Attempt>("/notifications/channels/tickets/test", {});
    expect(tried.outcome).toBe("delivered");
    expect(receiver.arrived.at(-1)?.id).toBe(tried.notification);
  });
});
