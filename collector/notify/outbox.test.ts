import { afterEach, describe, expect, it } from "vitest";
import type { Incident, IncidentEventBody } from "../incidents/types.ts";
import type { Notice } from "../notifier.ts";
import { unlistedSite } from "../sites.ts";
import type { NotificationPolicy } from "./routing.ts";
import { DOWN, opened, POLICY, type Sample, sampleNotifications, T0, TAKEN } from "./sample-notifications.ts";

const QUIET = {
  ...POLICY,
  channels: POLICY.channels.map((one) => ({ ...one, quiet: { outside: "trading_hours", except: ["P1"] as const } })),
};
const DAY = [{ from: 480, to: 1_200 }];
const OPEN_BY_DAY = {
  ...unlistedSite("store-1"),
  hours: { mon: DAY, tue: DAY, wed: DAY, thu: DAY, fri: DAY, sat: DAY, sun: DAY },
};

let sample: Sample | null = null;
afterEach(async () => {
  await sample?.close();
  sample = null;
});
async function start(): Promise<Sample> {
  sample = await sampleNotifications();
  return sample;
}

const shown = ({ arrived }: Sample) =>
  arrived.map(({ channel, message }) => `${channel} ${message.id} ${message.event}`);
const escalated = (incident: Incident, given: Partial<Notice> = {}): Notice =>
  ({
    ...{ id: `${incident.id}/${incident.version}`, notBefore: T0, to: ["noc"], about: "escalated", incident },
    ...{ chain: "stores", step: 0, tier: 2, kind: "functional", why: "nobody acknowledged it in 5 min" },
    ...given,
  }) as Notice;
const ESCALATED: IncidentEventBody = {
  type: "escalated",
  kind: "functional",
  tier: 2,
  step: 0,
  policy: "stores",
  by: "timer",
  why: "5 min",
};

describe("what is written to an incident", () => {
  it("is sent once it is on disk, and not before", async () => {
    const { write, delivery, pass, arrived } = await start();
    write(null, opened());
    delivery.pump();
    expect(arrived).toEqual([]);
    await pass(1_000);
    expect(arrived.map(({ message }) => message)).toMatchObject([
      { version: 1, id: "INC-000001/1", event: "opened", summary: "P2 opened: Media out (store-1)" },
    ]);
  });

  it("tells of the end whoever was told of the beginning, in order", async () => {
    const it = await start();
    let incident = it.write(null, opened());
    incident = it.write(incident, { type: "recovered", values: {} });
    it.write(incident, { type: "resolved", code: "cleaned", text: null });
    await it.pass(1_000);
    expect(shown(it)).toEqual(["a INC-000001/1 opened", "a INC-000001/2 recovered", "a INC-000001/3 resolved"]);
  });

  it("tells nobody of the end of what nobody was told of, also after a restart", async () => {
    const it = await start();
    const incident = it.write(null, { ...opened(), suppressedBy: "switch-1" });
    await it.pass(1_000);
    await it.crash();
    it.write(incident, { type: "recovered", values: {} });
    await it.pass(1_000);
    expect(shown(it)).toEqual([]);
  });

  it("is told of its end after a restart, too", async () => {
    const it = await start();
    const incident = it.write(null, opened());
    await it.pass(1_000);
    await it.crash();
    it.write(incident, { type: "recovered", values: {} });
    await it.pass(1_000);
    expect(shown(it)).toEqual(["a INC-000001/1 opened", "a INC-000001/2 recovered"]);
  });
});

describe("quiet hours", () => {
  // T0 is a Tuesday, 22:13 UTC, and the site opens at 08:00.
  const OPENS_MS = Date.UTC(2023, 10, 15, 8) - T0;
  const quietly = () => sampleNotifications(QUIET, OPEN_BY_DAY);

  it("hold back what is not urgent until the site opens, in order, also over a restart", async () => {
    sample = await quietly();
    const incident = sample.write(null, opened());
    sample.write(incident, { type: "recovered", values: {} });
    await sample.pass(1_000);
    await sample.crash();
    await sample.pass(60_000);
    expect(shown(sample)).toEqual([]);
    sample.clock.advance(OPENS_MS - 65_000);
    await sample.pass(2_000);
    expect(shown(sample)).toEqual([]);
    await sample.pass(5_000);
    expect(shown(sample)).toEqual(["a INC-000001/1 opened", "a INC-000001/2 recovered"]);
  });

  it("do not hold back what is urgent, nor what becomes so", async () => {
    sample = await quietly();
    sample.write(null, { ...opened("Out", "p1"), priority: "P1" });
    const later = sample.write(null, opened("Out", "p2"));
    await sample.pass(1_000);
    expect(shown(sample)).toEqual(["a INC-000001/1 opened"]);
    sample.write(later, { type: "priority_changed", priority: "P1", why: "the last one" });
    await sample.pass(1_000);
    expect(shown(sample)).toEqual(["a INC-000001/1 opened", "a INC-000002/1 opened"]);
  });

  it("hold back nothing while the site is open", async () => {
    sample = await quietly();
    sample.clock.advance(OPENS_MS + 1);
    sample.write(null, opened());
    await sample.pass(1_000);
    expect(shown(sample)).toEqual(["a INC-000001/1 opened"]);
  });
});

describe("a group", () => {
  const grouped = (on: NotificationPolicy["routes"][number]["on"]) => ({
    ...POLICY,
    routes: [{ where: {}, on, to: ["a"], grouping: { by: ["rule"] as const, waitMs: 30_000, intervalMs: 300_000 } }],
  });
  const begin = async (on: Parameters<typeof grouped>[0] = ["opened", "reopened", "recovered", "resolved"]) => {
    sample = await sampleNotifications(grouped(on));
    return sample;
  };
  const words = ({ arrived }: Sample) =>
    arrived.map(({ message: { event, group, items } }) =>
      group === undefined
        ? event
        : `${group.number}: ${items.map((item) => `${item.incident.at(-1)} ${item.event}`).join(", ")}; ${group.standing} stand${group.isOver ? ", over" : ""}`,
    );

  it("is told at once of what came within its wait, then of its changes, and once of its end", async () => {
    const it = await begin();
    let one = it.write(null, opened("Out", "p1"));
    await it.pass(10_000);
    const two = it.write(null, opened("Out", "p2"));
    await it.pass(10_000);
    expect(it.arrived).toEqual([]);
    await it.pass(15_000);
    expect(words(it)).toEqual(["1: 1 opened, 2 opened; 2 stand"]);
    expect(it.arrived[0]?.message).toMatchObject({
      id: "group/a/INC-000001/1/1",
      summary: "P2 2 incidents (media-out), new in this: P2 opened: Out (store-1) and 1 more",
      group: { id: "group/a/INC-000001/1", by: { rule: "media-out" } },
    });
    one = it.write(one, { type: "recovered", values: {} });
    await it.pass(200_000);
    expect(it.arrived).toHaveLength(1);
    await it.pass(120_000);
    expect(words(it).slice(1)).toEqual(["2: 1 recovered; 1 stand"]);
    it.write(two, { type: "recovered", values: {} });
    await it.pass(600_000);
    expect(words(it).slice(2)).toEqual(["3: 2 recovered; 0 stand, over"]);
    it.write(null, opened("Out", "p3"));
    await it.pass(31_000);
    expect(words(it).slice(3)).toEqual(["1: 3 opened; 1 stand"]);
    expect(it.arrived[3]?.message.group?.id).not.toBe(it.arrived[0]?.message.group?.id);
  });

  it("keeps its time over a restart in each of its waits, and loses nobody", async () => {
    const it = await begin();
    const one = it.write(null, opened("Out", "p1"));
    await it.pass(20_000);
    await it.crash();
    it.write(null, opened("Out", "p2"));
    await it.pass(12_000);
    expect(words(it)).toEqual(["1: 1 opened, 2 opened; 2 stand"]);
    await it.crash();
    it.write(one, { type: "recovered", values: {} });
    await it.pass(1_000);
    await it.crash();
    await it.pass(310_000);
    expect(words(it).slice(1)).toEqual(["2: 1 recovered; 1 stand"]);
  });

  it("goes before what can't wait, and then has its time again", async () => {
    const it = await begin(["opened", "recovered"]);
    let one = it.write(null, opened("Out", "p1"));
    it.write(null, opened("Out", "p2"));
    await it.pass(1_000);
    one = it.write(one, ESCALATED);
    it.outbox.tell({ ...escalated(one), to: [], tier: 4 } as Notice);
    it.outbox.tell({ ...escalated(one), to: ["noc"] } as Notice);
    await it.pass(1_000);
    expect(shown(it)).toEqual(["b INC-000001/2 escalated"]);
    const same = { ...POLICY, people: new Map([["noc", ["a"]]]) };
    await it.close();
    sample = await sampleNotifications({ ...grouped(["opened"]), people: same.people });
    one = sample.write(null, opened("Out", "p1"));
    sample.write(null, opened("Out", "p2"));
    await sample.pass(1_000);
    sample.outbox.tell(escalated(sample.write(one, ESCALATED)));
    await sample.pass(1_000);
    expect(words(sample)).toEqual(["1: 1 opened, 2 opened; 2 stand", "escalated"]);
  });

  it("ends without a word where nobody asks for its end, and begins anew", async () => {
    const it = await begin(["opened"]);
    const one = it.write(null, opened("Out", "p1"));
    await it.pass(31_000);
    it.write(one, { type: "recovered", values: {} });
    it.commit();
    expect(it.state.notificationGroups()).toEqual([]);
    it.write(null, opened("Out", "p2"));
    await it.pass(31_000);
    expect(words(it)).toEqual(["1: 1 opened; 1 stand", "1: 2 opened; 1 stand"]);
  });

  it("gathers all that comes while its channel does not work, for one message", async () => {
    const it = await begin();
    it.world.answer = () => DOWN;
    for (let n = 0; n < 5; n++) {
      it.write(null, opened("Out", `p${n}`));
      await it.pass(400_000);
    }
    it.world.answer = () => TAKEN;
    it.arrived.length = 0;
    await it.pass(900_000);
    expect(words(it)).toEqual(["1: 1 opened; 1 stand", "2: 2 opened, 3 opened, 4 opened, 5 opened; 5 stand"]);
  });

  it("is one for each value, and one of many incidents is several", async () => {
    const it = await begin();
    for (let n = 0; n < 1_100; n++) it.write(null, opened("Out", `p${n}`));
    await it.pass(60_000);
    expect(it.arrived.map(({ message }) => message.items.length)).toEqual([500, 500, 100]);
  });
});

describe("that a channel does not work", () => {
  const down = (name: string) =>
    ({
      ...opened(`Notifications: channel-${name} does not work`),
      ...{ rule: "channel-down", subject: { site: "aislewatch", device: "collector", component: `channel-${name}` } },
    }) as const;

  it.each([
    { name: "by others that a route leads to", routes: ["a", "b"], failed: "b", told: ["a"] },
    { name: "by all others when it is the only one of the routes", routes: ["a"], failed: "a", told: ["b"] },
    { name: "by all others when no route leads anywhere", routes: [], failed: "a", told: ["b"] },
  ])("is told $name, and so is its end", async ({ routes, failed, told }) => {
    const on = ["opened", "recovered"] as const;
    sample = await sampleNotifications({
      ...POLICY,
      routes: routes.length === 0 ? [] : [{ where: {}, on, to: routes }],
    });
    const it = sample;
    it.world.answer = (channel) => (channel === failed ? DOWN : TAKEN);
    const incident = it.write(null, down(failed));
    await it.pass(2_000);
    it.write(incident, { type: "recovered", values: {} });
    await it.pass(2_000);
    expect(shown(it)).toEqual(told.flatMap((one) => [`${one} INC-000001/1 opened`, `${one} INC-000001/2 recovered`]));
  });
});

describe("what the desk tells", () => {
  it("goes to the channels of those whom it names", async () => {
    const it = await start();
    it.outbox.tell(escalated(it.write(it.write(null, opened()), ESCALATED)));
    await it.pass(1_000);
    expect(shown(it)).toEqual(["a INC-000001/1 opened", "b INC-000001/2 escalated"]);
    expect(it.arrived[1]?.message).toMatchObject({ to: ["noc"], escalation: { chain: "stores", step: 0, tier: 2 } });
  });

  it("goes to the tier's people when a person named nobody", async () => {
    const it = await start();
    it.outbox.tell(escalated(it.write(null, opened()), { to: [], tier: 3 } as Partial<Notice>));
    await it.pass(1_000);
    expect(shown(it)).toContain("b INC-000001/1 escalated");
  });

  it("is one notification where a recovery is told by a route, too", async () => {
    const it = await start();
    let incident = it.write(it.write(null, opened()), ESCALATED);
    it.outbox.tell(escalated(incident));
    await it.pass(1_000);
    incident = it.write(incident, { type: "recovered", values: {} });
    const [id, follows] = [`${incident.id}/3`, [`${incident.id}/2`]];
    it.outbox.tell({ id, notBefore: T0, to: ["noc"], about: "over", incident, how: "recovered", follows });
    await it.pass(1_000);
    expect(shown(it).slice(2)).toEqual(["a INC-000001/3 recovered", "b INC-000001/3 recovered"]);
  });

  it("may be replaced until it is sent, and not after", async () => {
    const it = await start();
    const incident = it.write(null, opened());
    const later = { notBefore: T0 + 60_000 };
    it.outbox.tell(escalated(incident, { ...later, why: "one" } as Partial<Notice>));
    await it.pass(30_000);
    it.outbox.tell(escalated(incident, { ...later, why: "two" } as Partial<Notice>));
    await it.pass(60_000);
    it.outbox.tell(escalated(incident, { ...later, why: "three" } as Partial<Notice>));
    await it.pass(60_000);
    expect(it.arrived.filter(({ channel }) => channel === "b").map(({ message }) => message.why)).toEqual(["two"]);
  });

  it("has all incidents of a storm in one message, and each is told of its end", async () => {
    const it = await start();
    const [one, two] = ["p1", "p2"].map((device) => it.write(it.write(null, opened("Out", device)), ESCALATED));
    if (one === undefined || two === undefined) throw new Error("two incidents");
    const items = [one, two].map((incident) => ({
      ...{ incident: incident.id, title: incident.title, site: "store-1", priority: "P2", tier: 2 as const },
      ...{ why: "5 min", stands: `${incident.id}/2` },
    }));
    const storm = { id: `storm/${one.id}/2`, to: ["noc"], about: "storm", chain: "stores", incident: one } as const;
    for (const count of [1, 2]) it.outbox.tell({ ...storm, notBefore: T0 + 60_000, items: items.slice(0, count) });
    await it.pass(61_000);
    const summary = it.arrived.filter(({ channel }) => channel === "b");
    expect(summary.map(({ message }) => [message.event, message.items.length])).toEqual([["storm", 2]]);
    const over = it.write(two, { type: "recovered", values: {} });
    const follows = [`${two.id}/2`];
    const id = `${two.id}/3`;
    it.outbox.tell({ id, notBefore: T0, to: ["noc"], about: "over", incident: over, how: "recovered", follows });
    await it.pass(1_000);
    expect(shown(it)).toContain(`b ${two.id}/3 recovered`);
  });
});
