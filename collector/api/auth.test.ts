import { describe, expect, it } from "vitest";
import { ensureAdmin, putUser } from "./auth.ts";
import { hashPassword, PasswordsBusy, verifyPassword } from "./password.ts";
import { sampleCollector } from "./sample-collector.ts";

describe("passwords", () => {
  it("fit their own hash and no other, however the same letters are typed", async () => {
    const hash = await hashPassword("Zürich 1");
    expect(hash).toMatch(/^scrypt\$15\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    expect(await verifyPassword("Zürich 1".normalize("NFD"), hash)).toBe(true);
    expect(await verifyPassword("Zurich 1", hash)).toBe(false);
    expect(await hashPassword("Zürich 1")).not.toBe(hash);
  });

  it.each([
    { name: "nobody's", hash: null },
    { name: "an empty one", hash: "" },
    { name: "another scheme", hash: "$2b$10$abcdefghijklmnopqrstuv" },
    { name: "one that asks for more memory than we give", hash: `scrypt$40$8$1$${"a".repeat(22)}$${"a".repeat(43)}` },
    { name: "one with a block of nothing", hash: `scrypt$15$0$1$${"a".repeat(22)}$${"a".repeat(43)}` },
  ])("fit no hash that is none: $name", async ({ hash }) => expect(await verifyPassword("x", hash)).toBe(false));

  it("are refused when too many are checked at once, and taken again after", async () => {
    const results = await Promise.allSettled(Array.from({ length: 24 }, () => verifyPassword("x", null)));
    const refused = results.filter((result) => result.status === "rejected");
    expect(refused.map((result) => result.reason instanceof PasswordsBusy)).toEqual(Array(6).fill(true));
    expect(await verifyPassword("x", null)).toBe(false);
  });
});

describe("ensureAdmin", () => {
  it("lets somebody in at first start, and changes nothing later", async () => {
    const { state, clock, close } = await sampleCollector();
    const deps = { state, clock, random: () => new Uint8Array(32) };
    state.removeUser("admin");
    expect(ensureAdmin(deps)).toMatchObject({ name: "admin", role: "admin", passwordHash: null });
    await putUser(deps, { name: "root", role: "admin", password: "x" });
    state.removeUser("admin");
    expect(ensureAdmin(deps).name).toBe("root");
    expect(state.users().map((user) => user.name)).not.toContain("admin");
    await close();
  });
});
