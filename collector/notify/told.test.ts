import { afterEach, describe, expect, it } from "vitest";
import { append } from "../incidents/log.ts";
import type { IncidentEventBody } from "../incidents/types.ts";
import { unlistedSite } from "../sites.ts";
import { createNotifications, type Notifications } from "./notifications.ts";
import { type ChannelConfig, NO_NOTIFICATIONS, type NotificationPolicy, type Route } from "./routing.ts";
import { DOWN, opened, POLICY, type Sample, sampleNotifications, T0, TAKEN } from "./sample-notifications.ts";
import { toldOf, whyUntold } from "./told.ts";

let sample: Sample | null = null;
afterEach(async () => {
  await sample?.close();
  sample = null;
});

/** A line for each, as the outbox and the delivery of the sample have it. */
function shown({ outbox, delivery, state, clock }: Sample, incident: string): string[] {
  const told = toldOf({
    records: outbox.recordsOf(incident),
    attempts: state.attempts({ incident }, 100),
    whole: (id, channel) => state.notification(id, channel),
    groupAt: outbox.groupAt,
    isLimited: (channel) => delivery.state(channel).isLimited,
    isDown: (channel) => delivery.state(channel).isDown,
    now: clock.now(),
  });
  return told.map(({ event, state: is, waits, nextAt, within, answer }) =>
    [event, is, waits, nextAt === null ? null : `at ${(nextAt - T0) / 1_000} s`, within, answer]
      .filter(Boolean)
      .join(", "),
  );
}

describe("who was told", () => {
  it("is said with what the receiver answered, and what waits with why and until when", async () => {
    sample = await sampleNotifications();
    const it = sample;
    const incident = it.write(null, opened());
    it.commit();
    expect(shown(it, incident.id)).toEqual(["opened, waiting, turn"]);
    it.world.answer = () => DOWN;
    await it.pass(1_000);
    expect(shown(it, incident.id)[0]).toMatch(/^opened, waiting, retry, at \d+(\.\d+)? s, HTTP 503$/);
    const over = it.write(incident, { type: "recovered", values: {} });
    it.commit();
    expect(shown(it, incident.id)[1]).toBe("recovered, waiting, earlier");
    it.world.answer = () => TAKEN;
    await it.pass(30_000);
    expect(shown(it, over.id)).toEqual(["opened, delivered, HTTP 204", "recovered, delivered, HTTP 204"]);
  });

  it("names the group that gathers, and then the message that told it", async () => {
    const grouping = { by: ["site"], waitMs: 30_000, intervalMs: 60_000 } as const;
    sample = await sampleNotifications({ ...POLICY, routes: [{ where: {}, on: ["opened"], to: ["a"], grouping }] });
    const it = sample;
    it.write(null, opened("Out", "p1"));
    const second = it.write(null, opened("Out", "p2"));
    await it.pass(1_000);
    expect(shown(it, second.id)).toEqual(["opened, waiting, gathering, at 30 s"]);
    await it.pass(35_000);
    expect(shown(it, second.id)).toEqual(["opened, delivered, group/a/INC-000001/1/1"]);
    expect(shown(it, "INC-000001")).toEqual(["opened, delivered, group/a/INC-000001/1/1, HTTP 204"]);
  });

  it("says that a limit, or quiet hours, hold it back", async () => {
    const limited = POLICY.channels.map((one) => ({ ...one, rate: { atMost: 1, withinMs: 600_000 } }));
    sample = await sampleNotifications({ ...POLICY, channels: limited });
    sample.write(null, opened("Out", "p1"));
    await sample.pass(1_000);
    const { id } = sample.write(null, opened("Out", "p2"));
    await sample.pass(1_000);
    expect(shown(sample, id)).toEqual(["opened, waiting, limit"]);
    await sample.close();
    const quiet = POLICY.channels.map((one) => ({ ...one, quiet: { outside: "trading_hours", except: [] } }));
    const week = { mon: [], tue: [], wed: [{ from: 480, to: 1_200 }], thu: [], fri: [], sat: [], sun: [] };
    sample = await sampleNotifications({ ...POLICY, channels: quiet }, { ...unlistedSite("store-1"), hours: week });
    const held = sample.write(null, opened());
    sample.commit();
    expect(shown(sample, held.id)[0]).toMatch(/^opened, waiting, quiet_hours, at \d+ s$/);
  });

  it("says that it was given up, and why", async () => {
    sample = await sampleNotifications();
    sample.world.answer = () => ({ ok: false, error: { retryable: false, status: 410, detail: "HTTP 410" } });
    const { id } = sample.write(null, opened());
    await sample.pass(1_000);
    expect(shown(sample, id)).toEqual(["opened, failed, HTTP 410"]);
  });
});

describe("why nobody was told", () => {
  const site = { id: "store-1", format: "store", region: null, labels: {} };
  const why = (policy: NotificationPolicy, ...bodies: IncidentEventBody[]): string[] => {
    const { incident } = append("INC-000001", null, [...bodies], { at: T0, actor: "system", recordedAt: T0 });
    return whyUntold(policy, { incident, kind: "label_printer", site });
  };
  const routed = (...wheres: Route["where"][]): NotificationPolicy => ({
    ...POLICY,
    routes: wheres.map((where) => ({ where, on: ["opened"], to: ["a"] })),
  });

  it.each([
    {
      name: "behind a switch",
      bodies: [{ ...opened(), suppressedBy: "switch-1" }],
      says: "It hangs behind switch-1, which is down: nobody is called until that is back.",
    },
    {
      name: "in maintenance",
      bodies: [{ ...opened(), maintenance: "m1" }],
      says: "It lies in the maintenance window m1.",
    },
    {
      name: "outside its hours",
      bodies: [{ ...opened(), inactiveHours: true }],
      says: "It lies outside the hours of its rule: nobody is called until they begin.",
    },
    {
      name: "found afterwards",
      bodies: [{ ...opened(), retroactive: true }],
      says: "It was found afterwards, in what an agent had kept while it was away.",
    },
    {
      name: "a consequence",
      bodies: [opened(), { type: "parent_set", incident: "INC-000009", why: "x" }],
      says: "It is a consequence of INC-000009, which is told instead.",
    },
    {
      name: "over already",
      bodies: [opened(), { type: "recovered", values: {} }],
      says: "It was over before anybody was to be told.",
    },
  ] as const satisfies { name: string; bodies: readonly IncidentEventBody[]; says: string }[])(
    "$name",
    ({ bodies, says }) => expect(why(routed({}), ...bodies)).toEqual([says]),
  );

  it("no channel, no route, or none that fits, each with what it asks for", () => {
    expect(why(NO_NOTIFICATIONS, opened())).toEqual([
      "No channel is set up: there is no notifications.yaml, or it names none.",
    ]);
    expect(why({ ...POLICY, routes: [] }, opened())).toEqual([
      "No route of notifications.yaml tells of incidents that open.",
    ]);
    expect(
      why(routed({ priority: ["P1"] }, { kind: ["scale", "ups"], labels: { brand: ["north"] } }), opened()),
    ).toEqual([
      "No route of notifications.yaml fits it.",
      "The route to a is for priority P1, not P2.",
      "The route to a is for kind scale or ups, not label_printer; brand north, not none.",
    ]);
    expect(why(routed(...Array.from({ length: 7 }, () => ({ priority: ["P1"] as const }))), opened()).at(-1)).toBe(
      "Nor do 2 more.",
    );
    expect(why(routed({ priority: ["P2"] }), opened())).toEqual([]);
  });
});

describe("a preview", () => {
  const config = POLICY.channels[0];
  const email: ChannelConfig = {
    ...{ kind: "email", name: "mail", host: "mail.example.com", port: 587, tls: "starttls", ca: null, auth: null },
    ...{
      from: "a@example.com",
      to: ["b@example.com"],
      templates: [],
      timeoutMs: 1,
      giveUpAfterMs: 1,
      quiet: null,
      rate: null,
    },
  } as const;
  async function notifications(): Promise<Notifications> {
    sample = await sampleNotifications();
    const { clock, state } = sample;
    const made = createNotifications({
      ...{ clock, state, random: () => 0.5, commitSoon: () => undefined, onGivenUp: () => undefined },
      whereabouts: () => ({ site: unlistedSite("store-1"), kind: null, firstSteps: [] }),
    });
    const channels: ChannelConfig[] = config === undefined ? [email] : [config, email];
    made.use({ ...POLICY, channels });
    return made;
  }

  it.each([
    ...([
      "opened",
      "reopened",
      "escalated",
      "sla_warned",
      "sla_breached",
      "recovered",
      "resolved",
      "cancelled",
    ] as const),
    ...(["storm", "summary", "group", "test"] as const),
  ])("of %s has a subject and words in both parts", async (event) => {
    const shown = (await notifications()).preview("mail", event, { incident: null, draft: {} });
    if (shown === null || !shown.ok) throw new Error("no preview");
    expect(shown.value.subject).not.toBe("");
    expect(shown.value.text.length).toBeGreaterThan(20);
    expect(shown.value.html).toContain("<html>");
  });

  it("has the words that are tried out, or what is wrong with them", async () => {
    const made = await notifications();
    const draft = { subject: "{{incident.title}}!", body: "{{incident.site.name}}" };
    expect(made.preview("mail", "opened", { incident: null, draft })).toMatchObject({
      ok: true,
      value: { subject: "Labels used up!", text: "Berlin Alexanderplatz" },
    });
    expect(made.preview("mail", "opened", { incident: null, draft: { body: "\n{{titel}}" } })).toMatchObject({
      ok: false,
      error: [{ field: "body", line: 2 }],
    });
    expect(made.preview("none", "opened", { incident: null, draft: {} })).toBeNull();
    const hook = made.preview("a", "opened", { incident: null, draft: {} });
    expect(hook?.ok && JSON.parse(hook.value.text)).toMatchObject({ version: 1, event: "opened" });
  });
});
