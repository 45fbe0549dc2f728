/**
 * A collector that is killed with SIGKILL again and again while faults come and go and its receiver is slow, refuses or
 * hangs: each notification arrives, at most repeated under the same id and word for word, and in the order of its
 * incident, by itself and in groups. Signatures are verified by the receiver, as any receiver would.
 */
import { afterAll, describe, expect, it } from "vitest";
import { parseExposition } from "../../collector/exposition.ts";
import { zplOverTcp } from "../rig/devices.ts";
import { allDelivered, disturb, MEDIA_RULES, outOfOrder, printersOf, toBeTold } from "../rig/notified.ts";
import { cleanUp, startAgent, startCollector } from "../rig/rig.ts";
import { type Arrived, startWebhookReceiver } from "../rig/webhook-receiver.ts";

/** What it answers, call by call, until it is told to take everything. */
const BAD_DAYS = ["take", "refuse", "take", "hang", "close", "take"] as const;

type Attempt = { readonly notification: string; readonly incident: string; readonly outcome: string };
type Grouped = {
  readonly items: readonly { readonly notification: string }[];
  readonly group: { readonly id: string; readonly number: number; readonly isOver: boolean };
};

const firstOfEach = (arrived: readonly Arrived[]): Arrived[] => [
  ...new Map(arrived.filter(({ isTaken }) => isTaken).map((one) => [one.id, one])).values(),
];

function expectOneWording(arrived: readonly Arrived[]): void {
  const words = new Map<string, string>();
  for (const { id, body } of arrived) {
    expect(words.get(id) ?? body).toBe(body);
    words.set(id, body);
  }
}

describe("a webhook of a collector that is killed", () => {
  afterAll(cleanUp);

  it("gets every notification, each with one id and one wording, in the order of its incident, also in groups", async () => {
    const receiver = await startWebhookReceiver(BAD_DAYS);
    const printers = [await zplOverTcp(), await zplOverTcp()] as const;
    const collector = await startCollector({
      rules: MEDIA_RULES,
      notifications: `channels:
  - name: tickets
    webhook: { url: "http://127.0.0.1:${receiver.port}/each", secret: "file:webhook-secret", private: true }
    timeout: 1s
  - name: groups
    webhook: { url: "http://127.0.0.1:${receiver.port}/groups", secret: "file:webhook-secret", private: true }
    timeout: 1s
routes:
  - { on: [opened, reopened, recovered], to: tickets }
  - { on: [opened, reopened, recovered], to: groups, group_by: [site], group_wait: 1s, group_interval: 10s }
`,
    });
    await startAgent(collector, "store-1/pc", printersOf(printers));
    await disturb(collector, printers, [400, 650, 900, 1_150, 1_400, 300], receiver.recover);
    await allDelivered(collector);

    const wanted = (await toBeTold(collector)).toSorted();
    const each = receiver.at("/each");
    const taken = firstOfEach(each).map(({ id }) => id);
    expect(taken.toSorted()).toEqual(wanted);
    expect(outOfOrder(taken)).toEqual([]);
    expectOneWording(each);

    const groups = receiver.at("/groups");
    const messages = firstOfEach(groups).map(({ body }) => JSON.parse(body) as Grouped);
    const inGroups = messages.flatMap(({ items }) => items.map(({ notification }) => notification));
    expect(inGroups.toSorted()).toEqual(wanted);
    expect(outOfOrder(inGroups)).toEqual([]);
    expectOneWording(groups);
    for (const { group } of messages.filter((one) => one.group.isOver)) {
      const own = messages.filter((one) => one.group.id === group.id).map((one) => one.group.number);
      expect([Math.max(...own), own.length]).toEqual([group.number, group.number]);
    }
    expect(messages.at(-1)?.group.isOver).toBe(true);
    const repeats =
      each.length + groups.length - new Set([...each, ...groups].map(({ id, path }) => `${path} ${id}`)).size;
    process.stdout.write(
      `webhook: ${taken.length} notifications and ${messages.length} of groups over 6 kills, ${repeats} sent again\n`,
    );

    const { items: log } = await collector.api<{ items: Attempt[] }>("/notifications/log?channel=tickets&limit=500");
    const logged = log
      .filter(({ outcome, incident }) => outcome === "delivered" && incident !== "")
      .map(({ notification }) => notification);
    expect(new Set(logged)).toEqual(new Set(taken));
    const tried = await collector.api<Attempt>("/notifications/channels/tickets/test", {});
    expect(tried.outcome).toBe("delivered");
    expect(receiver.lastAt("/each")?.id).toBe(tried.notification);

    const families = parseExposition(await (await fetch(`${collector.http}/metrics`)).text());
    const samples = (name: string) => families.find((family) => family.name === `aislewatch_${name}`)?.samples ?? [];
    const delivered = samples("notification_attempts_total").filter(({ labels }) => labels["outcome"] === "delivered");
    expect(delivered.every(({ value }) => value > 0)).toBe(true);
    expect(samples("notifications_oldest_seconds").map(({ labels, value }) => [labels["channel"], value])).toEqual([
      ["tickets", 0],
      ["groups", 0],
    ]);
    for (const name of ["incidents_opened", "incidents_resolved", "escalations", "sla_warnings", "sla_breaches"])
      expect([name, samples(`${name}_total`).length > 2]).toEqual([name, true]);
  });
});
