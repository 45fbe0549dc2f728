import { describe, expect, it } from "vitest";
import { channelsText, logText, whoText } from "./notify.ts";

const NOW = Date.UTC(2026, 10, 20, 9);

describe("notify channels", () => {
  it("shows what waits and what fails, a line a channel", () => {
    const channel = {
      kind: "webhook",
      busy: 0,
      waiting: 0,
      deliveredAt: NOW - 60_000,
      failure: null,
      isDown: false,
      failingSince: null,
      oldestAt: null,
      isLimited: false,
    } as const;
    const failure = { at: NOW, status: 503, detail: "HTTP 503: not now" };
    const text = channelsText(
      [
        { ...channel, name: "tickets", target: "tickets.example.com" },
        {
          ...channel,
          name: "field",
          target: "dispatch.lan:8088",
          waiting: 12,
          failure,
          isDown: true,
          deliveredAt: null,
        },
      ],
      NOW,
    );
    expect(text).toMatchInlineSnapshot(`
      "CHANNEL  KIND     TO                   STATE  WAITING  DELIVERED  FAILURE
      tickets  webhook  tickets.example.com  ok     0        1 min ago
      field    webhook  dispatch.lan:8088    down   12       never      HTTP 503: not now
      "
    `);
  });
});

describe("notify log", () => {
  it("shows an attempt a line", () => {
    const attempt = { channel: "tickets", incident: "INC-000001", at: NOW, durationMs: 12, status: 503 };
    const text = logText([{ ...attempt, notification: "INC-000001/1", outcome: "retry", detail: "HTTP 503: not now" }]);
    expect(text).toMatchInlineSnapshot(`
      "AT                        CHANNEL  NOTIFICATION  OUTCOME  TOOK   DETAIL
      2026-11-20T09:00:00.000Z  tickets  INC-000001/1  retry    12 ms  HTTP 503: not now
      "
    `);
  });
});

describe("notify who", () => {
  const one: Parameters<typeof whoText>[0]["told"][number] = {
    ...{ notification: "INC-000001/1", channel: "tickets", target: "tickets.example.com", event: "opened", people: [] },
    ...{ why: null, state: "delivered", createdAt: NOW, doneAt: NOW, attempts: 1, waits: null, nextAt: null },
    ...{ within: null, answer: "HTTP 204" },
  };

  it("shows each with what became of it, or what it waits for and until when", () => {
    const mail = { ...one, channel: "noc-mail", answer: null, doneAt: null, attempts: 0 };
    const text = whoText({
      told: [
        one,
        { ...one, event: "recovered", within: "summary/INC-000001/2" },
        { ...mail, state: "waiting", waits: "quiet_hours", nextAt: NOW + 60_000 },
        { ...mail, event: "escalated", people: ["field-support"], state: "waiting", waits: "channel_down" },
      ],
      untold: [],
    });
    expect(text).toMatchInlineSnapshot(`
      "AT                        EVENT      CHANNEL                   STATE                                               ATTEMPTS  ANSWER
      2026-11-20T09:00:00.000Z  opened     tickets                   delivered                                           1         HTTP 204
      2026-11-20T09:00:00.000Z  recovered  tickets                   delivered                                           1         in summary/INC-000001/2: HTTP 204
      2026-11-20T09:00:00.000Z  opened     noc-mail                  held by quiet hours until 2026-11-20T09:01:00.000Z  0
      2026-11-20T09:00:00.000Z  escalated  noc-mail (field-support)  its channel does not work                           0
      "
    `);
  });

  it("says when what failed is tried again", () => {
    const failed = { ...one, state: "waiting", nextAt: NOW + 60_000, doneAt: null } as const;
    const text = whoText({
      told: [
        { ...failed, waits: "retry" },
        { ...failed, waits: "channel_down" },
      ],
      untold: [],
    });
    expect(text).toContain("failed, is tried again at 2026-11-20T09:01:00.000Z");
    expect(text).toContain("its channel does not work and is tried at 2026-11-20T09:01:00.000Z");
  });

  it("says why nobody was told", () => {
    expect(whoText({ told: [], untold: ["It lies in the maintenance window m1."] })).toBe(
      "Nobody was told.\n- It lies in the maintenance window m1.\n",
    );
  });
});
