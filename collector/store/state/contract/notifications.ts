/** Who is to be told, who was, and every attempt. */
import { describe, expect, it } from "vitest";
import { aChange, aGroup, aNotification, anAttempt, anIncident, T0 } from "../contract-data.ts";
import { HOSTILE, type Tested } from "./tested.ts";

export function notificationContract(tested: Tested): void {
  describe("notifications", () => {
    it("have one row for each channel, as they are now, and wait in the order of writing", async () => {
      const [first, second] = [aNotification("INC-000001/1", "a"), aNotification("INC-000001/2", "a")];
      const other = aNotification("INC-000001/1", "b", { message: { ...first.message, summary: HOSTILE.join(" ") } });
      tested.store.commit({ notifications: [first, second, other] });
      tested.store.commit({ notifications: [{ ...first, attempts: 1, dueAt: T0 + 9 }] });
      await tested.reopen();
      expect(tested.store.waitingNotifications()).toEqual([{ ...first, attempts: 1, dueAt: T0 + 9 }, second, other]);
      const done = { ...first, attempts: 2, state: "delivered", doneAt: T0 + 20 } as const;
      tested.store.commit({ notifications: [done, { ...other, state: "failed", doneAt: T0 + 20 }] });
      await tested.reopen();
      expect(tested.store.waitingNotifications()).toEqual([second]);
      expect(tested.store.notificationsOf("INC-000001", 2).map(({ id, channel }) => [id, channel])).toEqual([
        ["INC-000001/1", "b"],
        ["INC-000001/2", "a"],
      ]);
      expect(tested.store.notificationsOf("INC-000001", 9)[2]).toEqual(done);
      expect(tested.store.notification("INC-000001/1", "a")).toEqual(done);
      expect(tested.store.notification("INC-000001/2", "b")).toBeNull();
      expect(tested.store.notificationsOf("INC-000002", 9)).toEqual([]);
    });

    it("are there with the incident that they are about, or neither is", () => {
      const broken = { ...aNotification("INC-000001/1", "a"), channel: undefined as unknown as string };
      expect(() =>
        tested.store.commit({ incidents: [aChange(anIncident("INC-000001"))], notifications: [broken] }),
      ).toThrow();
      expect([tested.store.incident("INC-000001"), tested.store.waitingNotifications()]).toEqual([null, []]);
    });

    it("have groups, which stay until they are closed", async () => {
      const one = aGroup("group/INC-000001/1");
      tested.store.commit({ groups: [one, aGroup("group/INC-000002/1")] });
      tested.store.commit({ groups: [{ ...one, messages: 2 }, aGroup("group/INC-000002/1", { isClosed: true })] });
      await tested.reopen();
      expect(tested.store.notificationGroups()).toEqual([{ ...one, messages: 2 }]);
    });

    it("have their attempts logged, newest first, by incident and by channel", async () => {
      const one = anAttempt("INC-000001/1", { channel: "a", status: 503, outcome: "retry" });
      const two = anAttempt("INC-000001/1", { channel: "a", at: T0 + 5 });
      const test = anAttempt("test/x", { channel: "b", incident: "" });
      tested.store.commit({ attempts: [one, two, test] });
      await tested.reopen();
      expect(tested.store.attempts(null, 9)).toEqual([test, two, one]);
      expect(tested.store.attempts({ incident: "INC-000001" }, 9)).toEqual([two, one]);
      expect(tested.store.attempts({ channel: "b" }, 9)).toEqual([test]);
      expect(tested.store.attempts({ channel: "a" }, 1)).toEqual([two]);
      expect(tested.store.attemptPage({}, { limit: 9, before: null })).toEqual({ items: [test, two, one], next: null });
      expect(
        tested.store.attemptPage({ outcome: "delivered", channel: "a" }, { limit: 9, before: null }).items,
      ).toEqual([two]);
      const first = tested.store.attemptPage({ incident: "INC-000001" }, { limit: 1, before: null });
      expect(first.items).toEqual([two]);
      expect(tested.store.attemptPage({ incident: "INC-000001" }, { limit: 1, before: first.next })).toEqual({
        items: [one],
        next: null,
      });
    });
  });
}
