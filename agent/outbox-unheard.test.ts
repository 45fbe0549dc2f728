import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { OutboxFile, OutboxFileOptions } from "./outbox-file.ts";
import { folder, inOwnFolder, messages, reading, seqs, start } from "./sample-outbox.ts";

inOwnFolder();

describe("an outbox file that is an old copy", () => {
  it("numbers what is unacked anew, under a new epoch, when the file turns out to be an old copy", () => {
    const outbox = start();
    for (let n = 1; n <= 5; n++) outbox.append([reading(n)], { lane: "live", keep: false });
    outbox.append([reading(6)], { lane: "history", keep: false });
    outbox.ack("epoch-1", { live: 3, history: 0 });
    expect(outbox.ack("epoch-1", { live: 90, history: 0 })).toBe("ahead");
    expect(outbox.renew().ok).toBe(true);
    expect([outbox.epoch, seqs(outbox, "live"), seqs(outbox, "history")]).toEqual(["epoch-2", [1, 2], [1]]);
    outbox.append([reading(7)], { lane: "live", keep: false });
    expect(messages(start(), "live").map(({ seq, subjects }) => [seq, subjects[0]])).toEqual([
      [1, "d4"],
      [2, "d5"],
      [3, "d7"],
    ]);
  });

  it("of an old copy sends only what was written since it was opened: the rest is what the collector has", () => {
    const before = start();
    for (let n = 1; n <= 3; n++) before.append([reading(n)], { lane: "live", keep: false });
    before.close();
    const copy = start();
    copy.append([reading(4)], { lane: "live", keep: false });
    expect(copy.ack("epoch-1", { live: 90, history: 0 })).toBe("ahead");
    expect(copy.renew().ok).toBe(true);
    expect(messages(copy, "live").map(({ seq, subjects }) => [seq, subjects[0]])).toEqual([[1, "d4"]]);
  });

  /** As an agent's process that is killed before it has heard the collector, and so has sent nothing. */
  function killedUnheard(n: number, over: Partial<OutboxFileOptions> = {}): void {
    const killed = start(over);
    killed.append([reading(n)], { lane: "live", keep: false });
    killed.abandon();
  }

  /** The file as a backup has it; what puts it back. */
  function backup(): () => void {
    const kept = mkdtempSync(join(tmpdir(), "outbox-"));
    const names = (): string[] => ["outbox.db", "outbox.db-wal"].filter((name) => existsSync(join(folder, name)));
    for (const name of names()) copyFileSync(join(folder, name), join(kept, name));
    return () => {
      for (const name of [...names(), "outbox.db-shm"]) rmSync(join(folder, name), { force: true });
      for (const name of readdirSync(kept)) copyFileSync(join(kept, name), join(folder, name));
      rmSync(kept, { recursive: true });
    };
  }

  it("of an old copy sends also what processes before this one wrote that were killed before the first word", () => {
    const before = start();
    for (let n = 1; n <= 3; n++) before.append([reading(n)], { lane: "live", keep: false });
    before.close();
    backup()();
    for (const n of [4, 5]) killedUnheard(n);
    const copy = start();
    copy.append([reading(6)], { lane: "live", keep: false });
    // More than what it held as a copy, and less than what it holds by now.
    expect(copy.ack("epoch-1", { live: 5, history: 0 })).toBe("ahead");
    expect(copy.renew().ok).toBe(true);
    const sent = [
      [1, "d4"],
      [2, "d5"],
      [3, "d6"],
    ];
    expect(messages(copy, "live").map(({ seq, subjects }) => [seq, subjects[0]])).toEqual(sent);
    // Killed right after that, it has it still, and an ack for it is one.
    copy.abandon();
    const next = start();
    expect(messages(next, "live").map(({ seq, subjects }) => [seq, subjects[0]])).toEqual(sent);
    expect(next.ack("epoch-2", { live: 3, history: 0 })).toBe("taken");
  });

  it("a copy that was made before the first word does not send again what the original delivered after it", () => {
    start().close();
    killedUnheard(1);
    const restore = backup();
    const original = start();
    expect(original.ack("epoch-1", { live: 0, history: 0 })).toBe("taken");
    original.append([reading(2)], { lane: "live", keep: false });
    original.abandon();
    restore();
    const copy = start();
    copy.append([reading(3)], { lane: "live", keep: false });
    expect(copy.ack("epoch-1", { live: 2, history: 0 })).toBe("ahead");
    expect(copy.renew().ok).toBe(true);
    expect(messages(copy, "live").map(({ seq, subjects }) => [seq, subjects[0]])).toEqual([[1, "d3"]]);
  });

  it("tells of the epoch that it left, until a batch of the new one is acked, so that no other copy is taken for new", () => {
    const before = start();
    for (let n = 1; n <= 3; n++) before.append([reading(n)], { lane: "live", keep: false });
    before.close();
    const restoreOther = backup();
    const copy = start();
    copy.append([reading(4)], { lane: "live", keep: false });
    expect(copy.ack("epoch-1", { live: 90, history: 0 })).toBe("ahead");
    expect(copy.renew().ok).toBe(true);
    const lanes = { live: { first: 5, last: 4 }, history: { first: 1, last: 0 } };
    const left = [{ epoch: "epoch-1", lanes, renumbered: true }];
    expect(copy.former).toEqual(left);
    copy.abandon();
    const next = start();
    expect(next.former).toEqual(left);
    expect(next.ack("epoch-2", { live: 1, history: 0 })).toBe("taken");
    expect(next.former).toEqual([]);
    next.close();
    restoreOther();
    const other = start();
    other.append([reading(5)], { lane: "live", keep: false });
    // What the collector says to every copy of the epoch that was left.
    expect(other.ack("epoch-1", { live: 5, history: 1 })).toBe("ahead");
    expect(other.renew().ok).toBe(true);
    expect(messages(other, "live").map(({ subjects }) => subjects[0])).toEqual(["d5"]);
  });

  it.each([
    { name: "another boot, as of a restored disk image", boots: ["a", "b"] },
    { name: "a system that does not tell its boots", boots: [null, null] },
  ])("trusts no note of $name", ({ boots: [first = null, second = null] }) => {
    start().close();
    killedUnheard(1, { boot: () => first });
    const copy = start({ boot: () => second });
    copy.append([reading(2)], { lane: "live", keep: false });
    expect(copy.ack("epoch-1", { live: 2, history: 0 })).toBe("ahead");
    expect(copy.renew().ok).toBe(true);
    expect(messages(copy, "live").map(({ seq, subjects }) => [seq, subjects[0]])).toEqual([[1, "d2"]]);
  });

  it("forgets the note with the first word also on a full disk", () => {
    const before = start({ fileBytesMax: 120_000 });
    before.append([reading(1)], { lane: "live", keep: false });
    before.close();
    const heard = start({ fileBytesMax: 120_000 });
    for (let n = 2; heard.append([reading(n, 400)], { lane: "live", keep: false }).ok; n++);
    const given = heard.lastSeq.live;
    expect(heard.ack("epoch-1", { live: 0, history: 0 })).toBe("taken");
    heard.abandon();
    expect(start({ fileBytesMax: 120_000 }).ack("epoch-1", { live: given, history: 0 })).toBe("taken");
  });

  it.each([
    { name: "sent", use: (outbox: OutboxFile) => outbox.markInFlight({ live: 2, history: 0 }) },
    { name: "been greeted", use: (outbox: OutboxFile) => outbox.ack("epoch-1", { live: 1, history: 0 }) },
  ])("takes an ack for one of what a process before it wrote, when that had $name", ({ use }) => {
    const first = start();
    first.append([reading(1)], { lane: "live", keep: false });
    first.close();
    const killed = start();
    killed.append([reading(2)], { lane: "live", keep: false });
    use(killed);
    killed.abandon();
    expect(start().ack("epoch-1", { live: 2, history: 0 })).toBe("taken");
  });
});
