import { expect, it } from "vitest";
import { type Connection, failed, healthOf, heard, retryDelayMs, STALE_AFTER_MS } from "./connection.ts";

const CONNECTING: Connection = { phase: "connecting" };

it.each([
  { name: "is connecting before anything happened", connection: CONNECTING, at: 0, kind: "connecting" },
  { name: "is live once it was heard", connection: heard(0), at: 5_000, kind: "live" },
  { name: "reconnects at first after a loss", connection: failed(heard(0), 1_000), at: 2_000, kind: "reconnecting" },
  {
    name: "is stale when the last word is old",
    connection: failed(heard(0), 1_000),
    at: STALE_AFTER_MS,
    kind: "stale",
  },
  {
    name: "is stale when nothing was ever heard",
    connection: failed(CONNECTING, 1_000),
    at: 1_000 + STALE_AFTER_MS,
    kind: "stale",
  },
])("$name", ({ connection, at, kind }) => expect(healthOf(connection, at).kind).toBe(kind));

it("tells the age of the view since the last word, and when the line was lost", () => {
  expect(healthOf(failed(heard(10_000), 22_000), 140_000)).toEqual({ kind: "stale", since: 22_000, ageMs: 130_000 });
});

it("keeps the time of the loss through failed attempts and waits longer each time, up to a bound", () => {
  let connection = failed(heard(0), 1_000);
  const delays = [];
  for (let attempt = 0; attempt < 7; attempt += 1) {
    delays.push(retryDelayMs(connection));
    connection = failed(connection, 60_000);
  }
  expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  expect(connection).toMatchObject({ lostAt: 1_000, heardAt: 0 });
});
