/** People and programs, and what was done by whom. */
import { describe, expect, it } from "vitest";
import { StoreError } from "../../error.ts";
import { T0 } from "../contract-data.ts";
import type { CommandRecord } from "../store.ts";
import type { Tested } from "./tested.ts";

export function accessContract(tested: Tested): void {
  describe("people and programs", () => {
    const ana = { name: "ana", role: "operator", passwordHash: "scrypt$x", createdAt: T0 } as const;

    it("keeps users, and lets one change without ending their sessions", async () => {
      tested.store.putUser(ana);
      tested.store.putUser({ name: "bob", role: "viewer", passwordHash: null, createdAt: T0 });
      tested.store.putSession({ idHash: "h", user: "ana", createdAt: T0, expiresAt: T0 + 100 });
      tested.store.putUser({ ...ana, role: "admin" });
      await tested.reopen();
      expect(tested.store.users()).toEqual([
        { ...ana, role: "admin" },
        { name: "bob", role: "viewer", passwordHash: null, createdAt: T0 },
      ]);
      expect(tested.store.session("h", T0 + 99)).toEqual({
        idHash: "h",
        user: "ana",
        createdAt: T0,
        expiresAt: T0 + 100,
        role: "admin",
      });
    });

    it("ends a session when it expires, when it is removed and when its user is", () => {
      tested.store.putUser(ana);
      tested.store.putSession({ idHash: "h1", user: "ana", createdAt: T0, expiresAt: T0 + 100 });
      tested.store.putSession({ idHash: "h2", user: "ana", createdAt: T0, expiresAt: T0 + 200 });
      expect([tested.store.session("h1", T0 + 100), tested.store.session("none", T0)]).toEqual([null, null]);
      tested.store.removeSession("h1");
      expect(tested.store.session("h1", T0)).toBeNull();
      expect([tested.store.removeUser("ana"), tested.store.removeUser("ana")]).toEqual([true, false]);
      expect(tested.store.session("h2", T0)).toBeNull();
    });

    it("refuses a session of nobody", () => {
      expect(() => tested.store.putSession({ idHash: "h", user: "nobody", createdAt: T0, expiresAt: T0 + 1 })).toThrow(
        StoreError,
      );
      expect(tested.store.session("h", T0)).toBeNull();
    });

    it("gives a login link once, and not after it expired", () => {
      tested.store.putUser(ana);
      tested.store.putLoginLink({ tokenHash: "l1", user: "ana", expiresAt: T0 + 10 });
      tested.store.putLoginLink({ tokenHash: "l2", user: "ana", expiresAt: T0 + 10 });
      expect(tested.store.takeLoginLink("l1", T0 + 9)).toEqual({ tokenHash: "l1", user: "ana", expiresAt: T0 + 10 });
      expect(tested.store.takeLoginLink("l1", T0 + 9)).toBeNull();
      expect(tested.store.takeLoginLink("l2", T0 + 10)).toBeNull();
    });

    it("finds tokens by their hash and agents by site and name", async () => {
      const token = { name: "ci", tokenHash: "th", role: "viewer", createdAt: T0 } as const;
      tested.store.putToken(token);
      tested.store.putAgentCredential({ site: "store-1", agent: "host-1", passwordHash: "p1" });
      tested.store.putAgentCredential({ site: "store-1", agent: "host-1", passwordHash: "p2" });
      await tested.reopen();
      expect([tested.store.token("th"), tested.store.token("other")]).toEqual([token, null]);
      expect(tested.store.agentCredential("store-1", "host-1")).toEqual({
        site: "store-1",
        agent: "host-1",
        passwordHash: "p2",
      });
      expect(tested.store.agentCredential("store-2", "host-1")).toBeNull();
      tested.store.putAgentCredential({ site: "store-0", agent: "host-9", passwordHash: "p3" });
      expect(tested.store.agentCredentials().map(({ site, agent }) => `${site}/${agent}`)).toEqual([
        "store-0/host-9",
        "store-1/host-1",
      ]);
    });

    it("shows the audit log newest first", () => {
      const entry = (n: number) => ({ at: T0 + n, actor: "user:ana", action: "ack", detail: `INC-${n}` });
      for (const n of [1, 2, 3]) tested.store.audit(entry(n));
      expect(tested.store.auditLog(2)).toEqual([entry(3), entry(2)]);
    });
  });

  it("keeps documents by name", async () => {
    tested.store.putDocument("rules", "one");
    tested.store.putDocument("rules", "two\n".repeat(10_000));
    await tested.reopen();
    expect([tested.store.document("rules"), tested.store.document("sites")]).toEqual(["two\n".repeat(10_000), null]);
  });

  it("counts every poisonous message, however many", () => {
    const poison = { site: "s", agent: "a", topic: "t", at: T0, reason: "not_json", bytes: new Uint8Array(100_000) };
    expect(tested.store.poisonCount()).toBe(0);
    for (let n = 0; n < 3; n++) tested.store.addPoison(poison);
    expect(tested.store.poisonCount()).toBe(3);
  });

  it("keeps what agents were asked to do, by whom, and what came of it", async () => {
    const one: CommandRecord = {
      ...{ id: "c1", site: "store-1", agent: "host-1", kind: "probe_now", device: "lane-3/scale", by: "user:ana" },
      ...{ issuedAt: T0, deadlineAt: T0 + 60_000, state: "sent", answeredAt: null, detail: "" },
    };
    const other = { ...one, id: "c2", agent: "host-2", issuedAt: T0 + 1 };
    tested.store.putCommand(one);
    tested.store.putCommand(other);
    const answered = { ...one, state: "done", answeredAt: T0 + 5, detail: "14 values" } as const;
    tested.store.putCommand(answered);
    await tested.reopen();
    expect([tested.store.command("c1"), tested.store.command("none")]).toEqual([answered, null]);
    expect(tested.store.commands(null, 10)).toEqual([other, answered]);
    expect(tested.store.commands({ site: "store-1", agent: "host-1" }, 10)).toEqual([answered]);
  });
}
