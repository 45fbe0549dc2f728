import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LIMITS } from "@aislewatch/contract";
import { describe, expect, it } from "vitest";
import { countEpochs, folder, inOwnFolder, reading, start, startWithoutSaving, turnPages } from "./sample-outbox.ts";

inOwnFolder();

describe("an outbox file that was set aside, or is gone", () => {
  it("tells of a file that it could not save how far that went, until a batch that came after it is acked", () => {
    const outbox = start();
    for (let n = 0; n < 70; n++) outbox.append([reading(n, 400)], { lane: n < 67 ? "live" : "history", keep: false });
    outbox.ack("epoch-1", { live: 4, history: 0 });
    outbox.close();
    turnPages();
    const former = [{ epoch: "epoch-1", lanes: { live: { first: 5, last: 67 }, history: { first: 1, last: 3 } } }];
    const next = startWithoutSaving();
    expect([next.epoch, next.former]).toEqual(["epoch-2", former]);
    expect(readdirSync(folder).filter((name) => /corrupt|saved/.test(name))).toEqual(["outbox.corrupt-1"]);
    next.append([reading(1)], { lane: "live", keep: false });
    next.ack("epoch-2", { live: 0, history: 0 });
    next.close();
    const again = start();
    expect(again.former).toEqual(former);
    again.ack("epoch-2", { live: 1, history: 0 });
    expect(again.former).toEqual([]);
    again.close();
    expect(start().former).toEqual([]);
  });

  it("tells of all files that were damaged, one after the other, also of one that lies aside no more", () => {
    const ends: unknown[] = [];
    for (let n = 1; n <= 10; n++) {
      const outbox = start();
      for (let k = 0; k < 50 + n; k++) outbox.append([reading(k, 400)], { lane: "live", keep: false });
      ends.push({ epoch: `epoch-${n}`, lanes: { live: { first: 1, last: 50 + n }, history: { first: 1, last: 0 } } });
      outbox.close();
      turnPages();
      startWithoutSaving().close();
    }
    expect(start().former).toEqual(ends.slice(-LIMITS.formerOutboxesMax));
  });

  it.each([
    { name: "deleted", lose: () => rmSync(join(folder, "outbox.db")) },
    { name: "emptied", lose: () => writeFileSync(join(folder, "outbox.db"), "") },
  ])("says what it was when the file was $name", ({ lose }) => {
    const before = { epoch: "epoch-1", lanes: { live: { first: 1, last: 2 }, history: { first: 1, last: 0 } } };
    const outbox = start();
    for (const n of [1, 2]) outbox.append([reading(n)], { lane: "live", keep: false });
    outbox.close();
    lose();
    const gone: unknown[] = [];
    const next = start({ lastKnown: () => before, onGone: (one) => gone.push(one) });
    expect([next.epoch, next.former, gone]).toEqual(["epoch-2", [before], [before]]);
    next.close();
    // Only what begins anew can have lost one.
    start({ lastKnown: () => before, onGone: (one) => gone.push(one) });
    expect(gone).toHaveLength(1);
  });

  it("tells by what the status file knew how far a file went in which nothing can be read, and not as deleted", () => {
    const before = { epoch: "epoch-1", lanes: { live: { first: 1, last: 2 }, history: { first: 1, last: 0 } } };
    writeFileSync(join(folder, "outbox.db"), "this is no database".repeat(500));
    countEpochs(1);
    const gone: unknown[] = [];
    const next = start({ lastKnown: () => before, onGone: (one) => gone.push(one) });
    expect([next.former, gone]).toEqual([[{ epoch: expect.stringMatching(/^unreadable-/) }, before], []]);
  });

  it("says so when nothing in a file can be read, by the same name each time", () => {
    writeFileSync(join(folder, "outbox.db"), "this is no database".repeat(500));
    const first = start();
    expect(first.former).toEqual([{ epoch: expect.stringMatching(/^unreadable-[a-z0-9]+-[a-z0-9]+$/) }]);
    first.close();
    rmSync(join(folder, "outbox.db"));
    expect(start().former).toEqual(first.former);
  });

  it("keeps three files that it set aside, and the newest of them", () => {
    for (let n = 1; n <= 5; n++) {
      writeFileSync(join(folder, "outbox.db"), `this is no database, for the ${n}th time `.repeat(100));
      start().close();
    }
    expect(readdirSync(folder).filter((name) => name.startsWith("outbox.corrupt"))).toHaveLength(3);
    expect(readFileSync(join(folder, "outbox.corrupt-3"), "utf8")).toContain("the 5th time");
  });

  it("takes a lost file for a new outbox", () => {
    start().close();
    rmSync(join(folder, "outbox.db"));
    expect(start().epoch).toBe("epoch-2");
  });
});
