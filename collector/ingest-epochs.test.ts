/** A host that can't write to its disk names a new epoch at each start: how many of them a collector keeps apart. */
import { afterEach, describe, expect, it } from "vitest";
import { EPOCHS_PER_AGENT_MAX, FOLDED_EPOCH, FOLDED_EPOCHS_MAX } from "./ledger.ts";
import { aBatch, startedSite } from "./sample-ingest.ts";
import { type SampleSite, statusOf } from "./sample-site.ts";

let site: SampleSite;
const FIRST = "x0";
/** Started again so often: more than are kept apart. */
const STARTS = EPOCHS_PER_AGENT_MAX + 10;

/** One start of the agent: it says where its outbox stands, and sends `came` of `written` batches. */
async function start(epoch: string, { written = 2, came = written }: { written?: number; came?: number } = {}) {
  const lanes = { live: { first: 1, last: written }, history: { first: 1, last: 0 } };
  site.send("status", { ...statusOf({ epoch }), outbox: { batches: 1, bytes: 9, oldestAt: null, lanes } });
  for (let seq = 1; seq <= came; seq++) site.send("telemetry", aBatch(seq, { epoch }));
  await site.pass(100);
}
async function starts(how: { written?: number; came?: number } = {}, prefix = "x"): Promise<void> {
  for (let n = 0; n < STARTS; n++) await start(`${prefix}${n}`, how);
}
const audit = () => site.ingest.audit({ agent: "pc" });
const epochs = () => new Set(audit().lanes.map(({ epoch }) => epoch));
const sum = (of: "batches" | "lostBatches" | "explained" | "missing"): number =>
  audit().lanes.reduce((total, lane) => total + lane[of], 0);
const refused = () => site.log.filter(({ name }) => name === "epoch").map(({ detail }) => detail);

describe("an agent with a new epoch at each start", () => {
  afterEach(() => site.end());

  it("is heard for ever: the oldest of which all is known become one account, and nothing of the sums is lost", async () => {
    site = await startedSite();
    await starts();
    expect(site.ingest.counts.poison).toBe(0);
    expect(site.acks.at(-1)).toEqual({ epoch: `x${STARTS - 1}`, live: 2, history: 0 });
    expect(epochs().size).toBe(EPOCHS_PER_AGENT_MAX + 1);
    expect(epochs()).toContain(FOLDED_EPOCH);
    expect(epochs()).not.toContain(FIRST);
    expect(sum("batches")).toBe(2 * STARTS);
    expect(audit()).toMatchObject({ unexplained: 0 });
    expect(audit().lanes.every(({ isBalanced, queued, owed }) => isBalanced && queued === 0 && owed === 0)).toBe(true);
  });

  it("is as many epochs after a restart of the collector, with the same account", async () => {
    site = await startedSite();
    await starts();
    const before = audit();
    await site.restart();
    expect(audit().lanes).toEqual(before.lanes);
    await start("y");
    expect(epochs().size).toBe(EPOCHS_PER_AGENT_MAX + 1);
    expect(sum("batches")).toBe(2 * STARTS + 2);
  });

  it.each(["in this run", "after a restart"])("sends again what is in the sums %s: it is taken once", async (when) => {
    site = await startedSite();
    await starts();
    if (when === "after a restart") await site.restart();
    const { batches } = site.ingest.counts;
    await start(FIRST, { written: 3, came: 2 });
    expect(site.ingest.counts.batches).toBe(batches);
    expect(site.acks.at(-1)).toEqual({ epoch: FIRST, live: 2, history: 0 });
    site.send("telemetry", aBatch(3, { epoch: FIRST }));
    await site.pass(250);
    expect(site.series.seqs("live", FIRST)).toEqual([1, 2, 3]);
    expect(sum("batches")).toBe(2 * STARTS + 1);
    expect(audit()).toMatchObject({ unexplained: 0 });
  });

  it("is refused when of each something is missing, and says so once; with an explanation it is heard again", async () => {
    site = await startedSite();
    await starts({ written: 3, came: 2 });
    const last = `x${STARTS - 1}`;
    expect(epochs().size).toBe(EPOCHS_PER_AGENT_MAX);
    expect(refused()).toHaveLength(STARTS - EPOCHS_PER_AGENT_MAX);
    expect(refused().at(-1)).toEqual({ site: "s1", agent: "pc", epoch: last });
    expect(site.ingest.isEpochRefused("s1", "pc")).toBe(true);
    expect(site.series.seqs("live", last)).toEqual([]);

    site.ingest.explain("s1", "pc", { by: "user:ana", text: "its disk was read-only" });
    await start(last);
    expect(site.ingest.isEpochRefused("s1", "pc")).toBe(false);
    expect(site.series.seqs("live", last)).toEqual([1, 2]);
    const all = { lost: sum("lostBatches"), explained: sum("explained"), missing: sum("missing") };
    expect(all).toEqual({ lost: 1, explained: EPOCHS_PER_AGENT_MAX - 1, missing: 1 });
    expect(audit().missing.find(({ epoch }) => epoch === FIRST)).toMatchObject({
      ...{ fromSeq: 3, toSeq: 3, cause: "lost_with_outbox", explanation: { by: "user:ana" } },
    });
    await site.restart();
    expect(sum("explained")).toBe(EPOCHS_PER_AGENT_MAX - 1);
    expect(audit().missing).toHaveLength(EPOCHS_PER_AGENT_MAX);
  });

  it("forgets those that were folded long ago, and takes what comes of one for new, but stores no sample twice", async () => {
    site = await startedSite();
    const count = EPOCHS_PER_AGENT_MAX + FOLDED_EPOCHS_MAX + 3;
    for (let n = 0; n < count; n++) await start(`x${n}`, { written: 1 });
    const marked = () => new Set(site.state.watermarks().map(({ epoch }) => epoch));
    expect(marked().size).toBe(EPOCHS_PER_AGENT_MAX + FOLDED_EPOCHS_MAX);
    expect([marked().has(FIRST), marked().has("x2"), marked().has("x3")]).toEqual([false, false, true]);
    expect(site.state.foldedEpochs().map(({ epoch }) => epoch)).toEqual(
      Array.from({ length: FOLDED_EPOCHS_MAX }, (_, n) => `x${n + 3}`),
    );
    await site.restart();
    const { batches } = site.ingest.counts;
    await start(FIRST, { written: 1 });
    await start("x4", { written: 1 });
    expect(site.ingest.counts.batches).toBe(batches + 1);
    expect(site.series.seqs("live", FIRST)).toEqual([1]);
    expect(sum("batches")).toBe(count + 1);
    expect(audit()).toMatchObject({ unexplained: 0 });
  });

  it("costs nothing for epochs of which nothing came", async () => {
    site = await startedSite();
    for (let n = 0; n < STARTS; n++) await start(`empty${n}`, { written: 0 });
    await start("e");
    expect(refused()).toEqual([]);
    expect(epochs()).toEqual(new Set(["e"]));
  });
});
