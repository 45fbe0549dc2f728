import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { isStanding } from "./incidents/correlation.ts";
import { DEFAULT_LIFECYCLE } from "./incidents/lifecycle.ts";
import { allOf, brokenLaws, type SampleTree, SETTLE_MS, SITE, sampleTree } from "./sample-tree.ts";

const STORE = {
  router: [],
  switch: ["router"],
  printer: ["switch", "router"],
  till: ["switch", "router"],
  scale: ["router"],
} as const;

let tree: SampleTree;
const start = async (...args: Parameters<typeof sampleTree>): Promise<void> => {
  tree = await sampleTree(...args);
};
const events = (device: string) => {
  tree.commit();
  const id = tree.of(device)?.id ?? "";
  return tree.state.incidentEvents(id).map(({ type }) => type);
};
const called = () => {
  tree.commit();
  return tree.pages.map(({ key, event }) => `${key.split("|")[1] ?? "fleet"} ${event}`);
};
const parentOf = (device: string, site = SITE) => tree.of(device, site)?.parent ?? null;
const idOf = (device: string, site = SITE) => tree.of(device, site)?.id ?? "none";

describe("correlation", () => {
  afterEach(async () => {
    tree.commit();
    expect(brokenLaws(tree)).toEqual([]);
    await tree.close();
  });

  describe("what depends on a dead device", () => {
    it("hangs below its incident, and calls nobody", async () => {
      await start(STORE);
      tree.down("switch");
      tree.down("printer");
      tree.down("till");
      expect([parentOf("printer"), parentOf("till")]).toEqual([idOf("switch"), idOf("switch")]);
      expect(tree.of("switch")?.children).toBe(2);
      expect(tree.of("printer")?.parentWhy).toBe("it depends on switch, which is down");
      expect(called()).toEqual(["switch opened"]);
    });

    it("hangs below it also when it fell silent first", async () => {
      await start(STORE);
      tree.down("printer");
      tree.down("switch");
      expect(parentOf("printer")).toBe(idOf("switch"));
      expect(called()).toEqual(["printer opened", "switch opened"]);
    });

    it("hangs below the topmost that is down, and moves there", async () => {
      await start(STORE);
      tree.down("switch");
      tree.down("printer");
      tree.down("router");
      expect(parentOf("printer")).toBe(idOf("router"));
      expect(parentOf("switch")).toBe(idOf("router"));
      expect(tree.of("switch")?.children).toBe(0);
      expect(events("switch")).toEqual(expect.arrayContaining(["child_added", "child_removed"]));
    });

    it("recovers with it, and stays where it was", async () => {
      await start(STORE);
      tree.down("switch");
      tree.down("printer");
      tree.up("switch");
      tree.tick(30_000);
      tree.up("printer");
      tree.tick(SETTLE_MS * 2);
      expect(tree.of("printer")).toMatchObject({ state: "resolved", parent: idOf("switch") });
      expect(called()).toEqual(["switch opened", "switch recovered"]);
    });

    it("is called for once when it outlives it, after a reading and the settle time", async () => {
      await start(STORE);
      tree.down("switch");
      tree.down("printer");
      tree.up("switch");
      tree.tick(SETTLE_MS * 2);
      // Nobody has asked the printer since.
      expect(parentOf("printer")).toBe(idOf("switch"));
      tree.read("printer");
      tree.tick(SETTLE_MS - 1);
      expect(called()).toEqual(["switch opened", "switch recovered"]);
      tree.tick(1);
      expect(parentOf("printer")).toBe(null);
      tree.tick(SETTLE_MS * 5);
      expect(called()).toEqual(["switch opened", "switch recovered", "printer opened"]);
      expect(tree.of("switch")?.children).toBe(0);
    });

    it("goes back below it, and is not called for a second time, when that dies again", async () => {
      await start(STORE);
      tree.down("switch");
      tree.down("printer");
      for (let n = 0; n < 3; n++) {
        tree.up("switch");
        tree.read("printer");
        tree.tick(SETTLE_MS);
        expect(parentOf("printer")).toBe(null);
        tree.down("switch");
        expect(parentOf("printer")).toBe(idOf("switch"));
      }
      expect(called().filter((one) => one === "printer opened")).toHaveLength(1);
    });

    it("waits for its own time when it fails anew long after", async () => {
      await start(STORE);
      tree.down("switch");
      tree.down("printer");
      tree.up("switch");
      tree.up("printer");
      tree.tick(10 * 60_000);
      tree.down("printer");
      tree.tick(0);
      expect(parentOf("printer")).toBe(null);
      expect(called()).toEqual(["switch opened", "switch recovered", "printer opened"]);
    });

    it("can be worked by itself meanwhile", async () => {
      await start(STORE);
      tree.down("switch");
      tree.down("printer");
      const printer = tree.of("printer");
      if (printer === null) throw new Error("none");
      tree.act(printer, { type: "acknowledged" }, { type: "started" });
      expect(tree.of("printer")).toMatchObject({ state: "in_progress", parent: idOf("switch") });
      tree.act(printer, { type: "resolved", code: "swapped", text: "both are new" });
      tree.up("switch");
      tree.read("printer");
      tree.tick(SETTLE_MS * 2);
      expect(called()).toEqual(["switch opened", "switch recovered"]);
    });

    it("stays below what a person resolved while it is down, and stands for itself when that was cancelled", async () => {
      await start(STORE);
      tree.down("switch");
      tree.down("printer");
      const dead = tree.of("switch");
      if (dead === null) throw new Error("none");
      tree.act(dead, { type: "resolved", code: "network", text: "on its way" });
      tree.tick(SETTLE_MS * 2);
      expect(parentOf("printer")).toBe(dead.id);
      tree.act(dead, { type: "reopened", why: "no" });
      tree.act(dead, { type: "cancelled", code: "false_positive", text: "it is no switch" });
      expect(tree.of("printer")).toMatchObject({ parent: null, suppressedBy: "store/switch" });
      expect(called().filter((one) => one.startsWith("printer"))).toEqual([]);
      tree.up("switch");
      tree.read("printer");
      tree.tick(SETTLE_MS);
      expect(called().filter((one) => one.startsWith("printer"))).toEqual(["printer opened"]);
    });

    it("hangs below the one that its cause was merged into, and below the cause again when that is split off", async () => {
      await start(STORE);
      tree.down("scale");
      tree.down("switch");
      const [scale, dead] = [tree.of("scale"), tree.of("switch")];
      if (scale === null || dead === null) throw new Error("none");
      tree.act(scale, { type: "absorbed", from: dead.id });
      tree.act(dead, { type: "merged", into: scale.id });
      tree.down("printer");
      expect(parentOf("printer")).toBe(scale.id);
      tree.act(scale, { type: "split", into: dead.id });
      tree.act(dead, { type: "split", from: scale.id });
      expect(parentOf("printer")).toBe(dead.id);
    });
  });

  it("one more costs the same, however many are open", async () => {
    const looksFor = async (open: number): Promise<number> => {
      await tree.close();
      await start(STORE, { settleMs: SETTLE_MS, fleet: [] });
      for (let n = 0; n < open; n++) tree.down(`other-${n}`, `site-${n}`);
      tree.down("switch");
      const spies = [vi.spyOn(tree.book, "ofKey"), vi.spyOn(tree.book, "keyOf"), vi.spyOn(tree.book, "write")];
      tree.down("printer");
      const looks = spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
      expect(parentOf("printer")).toBe(idOf("switch"));
      return looks;
    };
    await start(STORE);
    expect(await looksFor(300)).toBe(await looksFor(3));
  });

  it("a silent agent has what it watches below it", async () => {
    await start(STORE);
    tree.down("printer");
    tree.agent(false);
    expect(parentOf("printer")).toBe(idOf("agent/g"));
    expect(tree.of("printer")?.parentWhy).toBe("its agent g is silent");
    tree.agent(true);
    tree.tick(SETTLE_MS);
    expect(parentOf("printer")).toBe(idOf("agent/g"));
    tree.read("printer");
    tree.tick(SETTLE_MS);
    expect(parentOf("printer")).toBe(null);
    // It was told of before the agent fell silent, and was not over since.
    expect(called().filter((one) => one.startsWith("printer"))).toEqual(["printer opened"]);
  });

  it("two that depend on each other do not hang below each other, whichever was first", async () => {
    const ring = { a: ["b"], b: ["a"] };
    for (const order of [
      ["a", "b"],
      ["b", "a"],
    ]) {
      if (order[0] === "b") await tree.close();
      await start(ring);
      for (const id of order) tree.down(id);
      tree.tick(0);
      expect([parentOf("a"), parentOf("b")]).toEqual([null, idOf("a")]);
    }
  });

  describe("the same fault at many sites", () => {
    const FLEET = {
      settleMs: SETTLE_MS,
      fleet: [{ where: {}, same: ["model", "firmware"], sites: 3, sharePercent: 0, withinMs: 600_000 } as const],
    };
    const fleet = () => [...tree.book.all()].find((one) => one.fleet !== undefined);
    const stores = (...names: string[]) => {
      for (const name of names) tree.down("printer", name);
    };

    it("is one incident of the fleet, told of once, and no more of the others", async () => {
      await start({}, FLEET);
      stores("s1", "s2");
      expect(fleet()).toBeUndefined();
      stores("s3", "s4", "s5");
      expect(fleet()).toMatchObject({
        title: "no-answer: at 3 sites at once, Z M firmware 1",
        ...{ priority: "P3", severity: "major", children: 5, rule: "no-answer" },
        subject: { site: "aislewatch", device: null },
        fleet: { model: "M", firmware: "1", sites: 3, withinMs: 600_000 },
      });
      for (const name of ["s1", "s2", "s3", "s4", "s5"]) expect(parentOf("printer", name)).toBe(fleet()?.id);
      expect(called()).toEqual(["printer opened", "printer opened", "fleet opened"]);
    });

    it("takes no account of what began long before", async () => {
      await start({}, FLEET);
      stores("s1");
      tree.tick(600_001);
      stores("s2", "s3");
      expect(fleet()).toBeUndefined();
      stores("s4");
      expect(fleet()?.children).toBe(3);
      expect(parentOf("printer", "s1")).toBe(null);
    });

    it("is as urgent as the worst below it", async () => {
      await start({}, FLEET);
      stores("s1", "s2", "s3");
      const one = tree.of("printer", "s2");
      if (one === null) throw new Error("none");
      tree.act(one, { type: "priority_changed", priority: "P1", why: "the last one" });
      expect(fleet()).toMatchObject({ priority: "P1", priorityWhy: "the most urgent of 3 incidents below it" });
      tree.up("printer", "s2");
      expect(fleet()?.priority).toBe("P3");
    });

    it("recovers with the last of them, and is resolved when all are", async () => {
      await start({}, FLEET);
      stores("s1", "s2", "s3");
      for (const name of ["s1", "s2"]) tree.up("printer", name);
      expect(fleet()?.recoveredAt).toBe(null);
      tree.up("printer", "s3");
      expect(fleet()).toMatchObject({ state: "new", recoveredAt: expect.any(Number) });
      for (const name of ["s1", "s2", "s3"]) {
        const one = tree.of("printer", name);
        if (one !== null) tree.act(one, { type: "resolved", code: "network", text: null });
      }
      expect(fleet()).toMatchObject({ state: "resolved", resolutionCode: "self_recovered" });
    });

    it("lets go of those that stand when a person resolves it, each called for once, and does not begin anew", async () => {
      await start({}, FLEET);
      stores("s1", "s2", "s3", "s4");
      const one = fleet();
      if (one === undefined) throw new Error("none");
      tree.act(one, { type: "acknowledged" }, { type: "resolved", code: "user_handling", text: "drills" });
      tree.tick(SETTLE_MS - 1);
      expect(parentOf("printer", "s4")).toBe(one.id);
      tree.tick(1);
      tree.tick(SETTLE_MS);
      expect(["s1", "s2", "s3", "s4"].map((name) => parentOf("printer", name))).toEqual([null, null, null, null]);
      expect(called().filter((said) => said === "printer opened")).toHaveLength(4);
      expect([...tree.book.all()].filter((other) => other.fleet !== undefined)).toHaveLength(1);
    });

    it("finds its own after a restart", async () => {
      await start({}, FLEET);
      stores("s1", "s2", "s3");
      tree.commit();
      await tree.crash();
      stores("s4");
      expect(parentOf("printer", "s4")).toBe(fleet()?.id);
      for (const name of ["s1", "s2", "s3", "s4"]) tree.up("printer", name);
      expect(fleet()?.recoveredAt).not.toBe(null);
    });

    it("is the same whatever order they fell silent in", async () => {
      await start({}, FLEET);
      await fc.assert(
        fc.asyncProperty(fc.shuffledSubarray(["s1", "s2", "s3", "s4", "s5"], { minLength: 3 }), async (names) => {
          await tree.close();
          await start({}, FLEET);
          stores(...names);
          const one = fleet();
          expect(one?.children).toBe(names.length);
          for (const name of names) expect(parentOf("printer", name)).toBe(one?.id);
          tree.commit();
          expect(brokenLaws(tree)).toEqual([]);
        }),
        { numRuns: 20 },
      );
    });
  });

  describe("laws, whatever happens and whenever it is killed", () => {
    const device = fc.constantFrom("router", "switch", "printer", "till", "scale");
    const op = fc.oneof(
      { weight: 5, arbitrary: fc.record({ is: fc.constant("down" as const), device }) },
      { weight: 4, arbitrary: fc.record({ is: fc.constant("up" as const), device }) },
      { weight: 3, arbitrary: fc.record({ is: fc.constant("read" as const), device }) },
      { weight: 1, arbitrary: fc.record({ is: fc.constant("agent" as const), isOnline: fc.boolean() }) },
      {
        weight: 3,
        arbitrary: fc.record({ is: fc.constant("tick" as const), ms: fc.integer({ min: 1, max: SETTLE_MS }) }),
      },
      { weight: 2, arbitrary: fc.record({ is: fc.constantFrom("commit" as const, "crash" as const) }) },
      {
        weight: 1,
        arbitrary: fc.record({ is: fc.constantFrom("resolve" as const, "cancel" as const), device }),
      },
    );
    type Op = typeof op extends fc.Arbitrary<infer T> ? T : never;

    async function perform(one: Op): Promise<void> {
      switch (one.is) {
        case "down":
          return tree.down(one.device);
        case "up":
          return tree.up(one.device);
        case "read":
          return tree.read(one.device);
        case "agent":
          return tree.agent(one.isOnline);
        case "tick":
          return tree.tick(one.ms);
        case "commit":
          return tree.commit();
        case "crash":
          return tree.crash();
        default: {
          const incident = tree.of(one.device);
          if (incident === null || !isStanding(incident)) return;
          if (one.is === "resolve") tree.act(incident, { type: "resolved", code: "network", text: "why not" });
          else if (incident.state !== "cancelled")
            tree.act(incident, { type: "cancelled", code: "test", text: "why not" });
        }
      }
    }

    /** What the engine hides hangs below the incident of what hides it, while that stands. */
    function misplaced(): string[] {
      return ["router", "switch", "printer", "till", "scale"].flatMap((id) => {
        const one = tree.of(id);
        if (one === null || !isStanding(one) || one.suppressedBy === null) return [];
        const by = one.suppressedBy.startsWith("agent:") ? "agent/g" : one.suppressedBy.slice(SITE.length + 1);
        const cause = tree.of(by);
        return cause !== null && isStanding(cause) && one.parent !== cause.id ? [`${id} is not below ${by}`] : [];
      });
    }

    it("the same of the fleet: all that stand are called for, or below one that is", async () => {
      const fleetRule = { where: {}, same: [], sites: 3, sharePercent: 0, withinMs: SETTLE_MS } as const;
      const policy = { settleMs: SETTLE_MS, fleet: [fleetRule] };
      const site = fc.constantFrom("s1", "s2", "s3", "s4", "s5");
      const step = fc.oneof(
        { weight: 6, arbitrary: fc.record({ is: fc.constant("down" as const), site }) },
        { weight: 3, arbitrary: fc.record({ is: fc.constant("up" as const), site }) },
        {
          weight: 2,
          arbitrary: fc.record({ is: fc.constant("tick" as const), ms: fc.integer({ min: 1, max: SETTLE_MS }) }),
        },
        {
          weight: 2,
          arbitrary: fc.record({ is: fc.constantFrom("commit" as const, "crash" as const, "resolve" as const) }),
        },
      );
      await start({}, policy);
      const fleets = () => [...tree.book.all()].filter((one) => one.fleet !== undefined);
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
          await tree.close();
          await start({}, policy);
          for (const one of steps) {
            if (one.is === "down") tree.down("printer", one.site);
            else if (one.is === "up") tree.up("printer", one.site);
            else if (one.is === "tick") tree.tick(one.ms);
            else if (one.is === "commit") tree.commit();
            else if (one.is === "crash") await tree.crash();
            else
              for (const fleet of fleets().filter(isStanding))
                tree.act(fleet, { type: "resolved", code: "network", text: "done" });
          }
          tree.tick(SETTLE_MS);
          tree.tick(SETTLE_MS);
          tree.commit();
          expect(brokenLaws(tree)).toEqual([]);
          for (const one of [...tree.book.all()].filter(isStanding)) {
            const told = tree.pages.filter(({ incident }) => incident === one.id).at(-1);
            const above = one.parent === null ? null : tree.book.incident(one.parent);
            if (above === null) expect(["opened", "reopened"]).toContain(told?.event);
            else expect(isStanding(above)).toBe(true);
          }
        }),
        { numRuns: 60 },
      );
    });

    it("a tree that is right, nobody called below a parent, and what outlives it called for once", async () => {
      await start(STORE);
      await fc.assert(
        fc.asyncProperty(fc.array(op, { minLength: 5, maxLength: 40 }), async (ops) => {
          await tree.close();
          await start(STORE);
          for (const one of ops) {
            await perform(one);
            expect(misplaced()).toEqual([]);
          }
          tree.agent(true);
          for (const id of ["router", "switch"]) tree.up(id);
          for (const id of ["router", "switch", "printer", "till", "scale"]) tree.read(id);
          tree.tick(SETTLE_MS);
          tree.tick(SETTLE_MS);
          tree.commit();
          expect(brokenLaws(tree)).toEqual([]);
          for (const one of allOf(tree.state).filter(isStanding)) {
            expect(one.parent).toBe(null);
            const told = tree.pages.filter(({ incident }) => incident === one.id).at(-1);
            expect(["opened", "reopened"]).toContain(told?.event);
          }
        }),
        { numRuns: 60 },
      );
    });
  });
});

it("ships with a settle time and two rules for the fleet", () => {
  expect(DEFAULT_LIFECYCLE.correlation).toMatchObject({ settleMs: SETTLE_MS, fleet: [{ sites: 5 }, { sites: 5 }] });
});
