import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UNSAID } from "../incidents/log.ts";
import { cutAddresses, isPseudonym, renamed, renamingAll, renamingOf } from "./person.ts";

const erase = renamingOf(["anna"], "erased-aaaaaaaaaaaa", { inText: false });
const eraseInText = renamingOf(["anna"], "erased-aaaaaaaaaaaa", { inText: true });

describe("a person in a record", () => {
  it.each([
    ["actor", { actor: "user:anna" }, { actor: "user:erased-aaaaaaaaaaaa" }],
    ["token", { by: "token:anna" }, { by: "token:erased-aaaaaaaaaaaa" }],
    ["assignee", { assignee: "anna", group: "anna" }, { assignee: "erased-aaaaaaaaaaaa", group: "anna" }],
    ["within", { ackExpired: { by: "user:anna" } }, { ackExpired: { by: "user:erased-aaaaaaaaaaaa" } }],
    ["in a list", { to: ["anna", "bo"] }, { to: ["erased-aaaaaaaaaaaa", "bo"] }],
    ["another one", { actor: "user:annabel" }, { actor: "user:annabel" }],
    ["a device of that name", { device: "anna" }, { device: "anna" }],
  ])("is renamed: %s", (_, before, after) => {
    expect(renamed<unknown>(before, erase).value).toEqual(after);
  });

  it("is found in texts, and stays there unless it is to go", () => {
    const note = { actor: "user:bo", text: "Ask Anna, not Annapolis or anna_b." };
    expect(renamed(note, erase)).toEqual({ value: note, fields: 0, texts: [note.text] });
    expect(renamed(note, eraseInText).value.text).toBe("Ask erased-aaaaaaaaaaaa, not Annapolis or anna_b.");
  });

  it("is not a device, a site or a word of ours of the same name, also where texts are replaced", () => {
    const event = { type: "opened", subject: { site: "anna", device: "lane-1/anna", component: null }, rule: "anna" };
    expect(renamed(event, eraseInText).value).toBe(event);
  });

  it.each([
    ["the collector", { actor: "system", type: "stale" }],
    ["the command line of its host", { actor: "cli", action: "users add" }],
    ["what hides a device", { type: "suppressed", by: "store-1/lane-1/pos", actor: "system" }],
    ["an agent that does", { cause: { by: "agent:store-1/pc", since: 1, until: null } }],
    ["a timer", { type: "escalated", by: "timer" }],
  ])("is not %s, whoever has such a name, and however old it is", (_, record) => {
    for (const name of ["system", "cli", "lane", "pc", "timer"])
      expect(renamed(record, renamingOf([name], "X", { inText: true })).value).toBe(record);
    expect(
      renamed(
        record,
        renamingAll((name) => `person-${name}`),
      ).value,
    ).toBe(record);
  });

  it("may have a name that is a pattern, or has letters of any script", () => {
    for (const name of ["a.b", "x+y", "[a", "Jürgen", "王芳", "o'hara", "$&"]) {
      const { value } = renamed({ text: `by ${name}.` }, renamingOf([name], "X", { inText: true }));
      expect(value.text).toBe("by X.");
    }
  });

  it("leaves a record that names nobody as the same object", () => {
    const record = { ...UNSAID, id: "INC-000001", values: { media_out: true } };
    expect(renamed(record, erase).value).toBe(record);
  });
});

it("has one pseudonym everywhere, which has no other", () => {
  const made = renamingAll((name) => `person-${name.padEnd(12, "a").slice(0, 12)}`);
  const once = renamed({ actor: "user:bo", assignee: "bo", acknowledgedBy: "user:bo" }, made).value;
  expect(once).toEqual({
    actor: "user:person-boaaaaaaaaaa",
    assignee: "person-boaaaaaaaaaa",
    acknowledgedBy: "user:person-boaaaaaaaaaa",
  });
  expect(isPseudonym("person-boaaaaaaaaaa")).toBe(true);
  expect(renamed(once, made).value).toBe(once);
});

it("is nowhere in what is left, whatever the record", () => {
  const actor = fc.constantFrom("user:zoe", "token:zoe", "system", "cli");
  const leaf = fc.oneof(actor, fc.constantFrom("zoe", "Zoe was here", "other"), fc.integer(), fc.string());
  const record = fc.record({
    actor,
    by: actor,
    rest: fc.object({ maxDepth: 4, key: fc.constantFrom("assignee", "to", "text", "x"), values: [leaf] }),
  });
  fc.assert(
    fc.property(record, (before) => {
      const { value } = renamed(before, renamingOf(["zoe"], "erased-aaaaaaaaaaaa", { inText: true }));
      expect(JSON.stringify(value)).not.toMatch(/(?<![\p{L}\p{N}_])zoe(?![\p{L}\p{N}_])/iu);
    }),
  );
});

it.each([
  ["550 5.1.1 <anna.b+x@example.org>: no such user", "550 5.1.1 <…@example.org>: no such user"],
  ["call +49 30 1234567", "call …"],
  ["HTTP 503 after 3 tries", "HTTP 503 after 3 tries"],
  ["hooks.example.org took it", "hooks.example.org took it"],
])("cuts addresses of people: %s", (before, after) => {
  expect(cutAddresses(before)).toBe(after);
});
