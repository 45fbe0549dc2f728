import { describe, expect, it } from "vitest";
import { channelsText, logText } from "./notify.ts";

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
