import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { foldIncident } from "../incidents/log.ts";
import { killWhileWriting } from "../store/crash.ts";
import type { StateStore } from "../store/state/store.ts";
import { type Renaming, renamed } from "./person.ts";
import { mentionEverywhere, openStore, privacyOf, T0, workedBy } from "./sample-people.ts";

const NAME = "zoe.quux";
const ask = { name: NAME, isTrial: false, inText: true, by: "user:admin" };
let folder = "";
let store: StateStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "aislewatch-privacy-"));
  store = await openStore(folder);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

/** Files that hold these bytes anywhere: in rows, in free pages, in the log. */
const filesWith = (text: string): string[] =>
  readdirSync(folder).filter((file) => readFileSync(join(folder, file)).includes(text));

describe("an erasure", () => {
  it("leaves the name in no byte of the files, and everything else readable", () => {
    const open = workedBy(store, NAME);
    const ended = workedBy(store, NAME, { isEnded: true });
    mentionEverywhere(store, NAME);
    // Rows that were overwritten and deleted before are in the files, too.
    store.commit({ incidents: [{ incident: { ...open, version: 9 }, key: "k", events: [] }] });
    store.commit({ incidents: [{ incident: open, key: "k", events: [] }] });
    expect(filesWith(NAME)).not.toEqual([]);

    const done = privacyOf(store).erase(ask);
    expect(done).toMatchObject({ ok: true, value: { isCompacted: true, underway: 0, areTextsReplaced: true } });
    if (!done.ok) return;
    const { pseudonym, records } = done.value;
    expect(pseudonym).toMatch(/^erased-[a-z2-7]{12}$/);
    expect(Object.keys(records).sort()).toEqual([
      "audit",
      "command",
      "event",
      "gap_note",
      "incident",
      "maintenance",
      "notification",
      "token",
    ]);
    expect(filesWith(NAME)).toEqual([]);
    for (const { id } of [open, ended]) {
      const log = store.incidentEvents(id);
      expect(foldIncident(id, log)).toEqual(store.incident(id));
      expect(log[1]?.actor).toBe(`user:${pseudonym}`);
    }
    // Searched by their new name, and found.
    expect(store.incidents({ search: String(pseudonym) }, { limit: 5, cursor: null }).total).toBe(2);
  });

  it("is on record, and the record does not say whose", () => {
    workedBy(store, NAME);
    const done = privacyOf(store).erase(ask);
    expect(store.auditLog(1)).toEqual([
      { at: T0, actor: "user:admin", action: "erased", detail: done.ok ? done.value.pseudonym : "" },
    ]);
  });

  it("lists the texts that name the person, and leaves them when it is not told to replace them", () => {
    const { id } = workedBy(store, NAME);
    const done = privacyOf(store).erase({ ...ask, inText: false });
    expect(done).toMatchObject({ ok: true, value: { textCount: 1, areTextsReplaced: false } });
    expect(done.ok && done.value.texts).toEqual([{ place: "event", key: `${id}/4`, text: `${NAME} was there.` }]);
    expect(JSON.stringify(store.incidentEvents(id)[3])).toContain(NAME);
    expect(store.incident(id)?.assignee).toMatch(/^erased-/);
  });

  it("does nothing in a trial", () => {
    const { id } = workedBy(store, NAME);
    mentionEverywhere(store, NAME);
    const before = [store.incident(id), store.incidentEvents(id), store.auditLog(50), store.document("maintenance")];
    const trial = privacyOf(store).erase({ ...ask, isTrial: true });
    expect(trial).toMatchObject({ ok: true, value: { pseudonym: null, records: { event: 3, incident: 1, audit: 3 } } });
    const after = [store.incident(id), store.incidentEvents(id), store.auditLog(50), store.document("maintenance")];
    expect(after).toEqual(before);
  });

  it("is refused for somebody who may still sign in", () => {
    store.putUser({ name: NAME, role: "operator", passwordHash: null, createdAt: T0 });
    expect(privacyOf(store).erase(ask)).toMatchObject({ ok: false, error: { code: "still_user" } });
    expect(privacyOf(store).erase({ ...ask, isTrial: true })).toMatchObject({ ok: true });
  });

  it("is refused while the state store can't be written, and then nothing has happened", () => {
    const { id } = workedBy(store, NAME);
    expect(privacyOf(store, { commitNow: () => false }).erase(ask)).toMatchObject({
      ok: false,
      error: { code: "not_written" },
    });
    expect(store.incident(id)?.assignee).toBe(NAME);
  });

  it("tells what is held in memory how the person is called now", () => {
    const told: Renaming[] = [];
    const incident = workedBy(store, NAME);
    privacyOf(store, { onRenamed: (renaming) => told.push(renaming) }).erase(ask);
    const [renaming] = told;
    expect(renaming && renamed(incident, renaming).value).toEqual(store.incident(incident.id));
  });

  it("counts what is on its way, which has the name until it is done", () => {
    mentionEverywhere(store, NAME);
    const [asked] = store.commands(null, 1);
    if (asked === undefined) throw new Error("no command");
    store.putCommand({ ...asked, id: "c-2", state: "sent" });
    expect(privacyOf(store).erase(ask)).toMatchObject({ ok: true, value: { underway: 1 } });
  });

  it("names the files of the configuration that a person has to edit", () => {
    const configTexts = () =>
      new Map([
        ["sites.yaml", `contacts: [{ name: ${NAME} }]`],
        ["sla.yaml", "targets: {}"],
      ]);
    expect(privacyOf(store, { configTexts }).erase({ ...ask, isTrial: true })).toMatchObject({
      value: { files: ["sites.yaml"] },
    });
  });

  it("takes the pseudonym that retention gave them as well", () => {
    const privacy = privacyOf(store);
    const { id } = workedBy(store, privacy.pseudonym(NAME), { isEnded: true });
    privacy.erase(ask);
    expect(store.incidentEvents(id)[1]?.actor).toMatch(/^user:erased-/);
  });
});

describe("a person who asks what is held of them", () => {
  it("gets every record that names them, and no other", () => {
    workedBy(store, "somebody.else");
    workedBy(store, NAME);
    mentionEverywhere(store, NAME);
    const { records, recordCount } = privacyOf(store).trace(NAME);
    expect(recordCount).toBe(records.length);
    expect(
      Map.groupBy(records, ({ place }) => place)
        .keys()
        .toArray()
        .sort(),
    ).toEqual(["attempt", "audit", "command", "event", "gap_note", "incident", "maintenance", "notification", "token"]);
    expect(JSON.stringify(records)).not.toContain("somebody.else");
    expect(JSON.stringify(records)).not.toContain("hash");
  });
});

it("has erased a person everywhere or nowhere, killed when it may be", async () => {
  const people = 12;
  for (let n = 1; n <= people; n++) for (let i = 0; i < 20; i++) workedBy(store, `person-${n}-x`);
  await store.close();
  const writer = fileURLToPath(new URL("./erase-writer.ts", import.meta.url));
  const erased = await killWhileWriting([writer, folder], 5);
  store = await openStore(folder);
  const privacy = privacyOf(store);
  expect(privacy.finish()).toBe(true);
  for (let n = 1; n <= people; n++) {
    const left = privacy.trace(`person-${n}-x`).recordCount;
    expect([0, 80]).toContain(left);
    if (erased.includes(n)) expect(left).toBe(0);
    expect(filesWith(`person-${n}-x`)).toEqual(left === 0 ? [] : ["state.sqlite"]);
  }
});
