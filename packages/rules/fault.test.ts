import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dueAt, type Fault, type FaultSpec, isOpen, newFault, type Seen, stepFault, type Truth } from "./fault.ts";
import type { FaultState, MissingPolicy } from "./types.ts";

const MINUTE = 60_000;
// biome-ignore lint/suspicious/noThenProperty: the field's own word; nobody awaits a policy.
const missing = (policy: MissingPolicy["then"], afterMs: number): MissingPolicy => ({ then: policy, afterMs });
const SPEC: FaultSpec = { forMs: [0], recoverMs: 0, hasClear: false, missing: missing("hold", 0), flap: null };

const TRUTHS: Readonly<Record<string, Truth>> = { "0": 0, "1": 1, _: 2 };
const truthsOf = (word: string): Truth[] => [...word].map((letter) => TRUTHS[letter] ?? 2);

/** One word a minute: a letter per step, then the clear condition after a slash. */
function run(words: string, spec: FaultSpec): { states: FaultState[]; fault: Fault } {
  let fault = newFault(spec.forMs.length);
  const states = words.split(" ").map((word, i) => {
    const [steps = "", clear = "_"] = word.split("/");
    fault = stepFault(fault, { steps: truthsOf(steps), clear: truthsOf(clear)[0] ?? 2 }, i * MINUTE, spec).next;
    return fault.state;
  });
  return { states, fault };
}

const SHORT: Readonly<Record<string, FaultState>> = { i: "inactive", p: "pending", f: "firing", r: "recovering" };

describe("one step", () => {
  it.each([
    { name: "fires at once without for", seen: "0 1 1", forMs: 0, want: "i f f" },
    { name: "fires once for has passed", seen: "1 1 1", forMs: 2 * MINUTE, want: "p p f" },
    { name: "a false reading starts the wait again", seen: "1 1 0 1 1", forMs: 2 * MINUTE, want: "p p i p p" },
    {
      name: "unknown stops the wait and does not start it again",
      seen: "1 _ _ 1 1",
      forMs: 2 * MINUTE,
      want: "p p p p f",
    },
    { name: "unknown alone does not make it pending", seen: "_ _ _", forMs: 0, want: "i i i" },
    { name: "unknown clears nothing", seen: "1 _ _ _", forMs: 0, want: "f f f f" },
    { name: "false clears at once", seen: "1 0", forMs: 0, want: "f i" },
    {
      name: "what was gathered is forgotten after ten minutes without knowledge",
      seen: `1 1 ${"_ ".repeat(12)}1 1`,
      forMs: 2 * MINUTE,
      want: `p p ${"p ".repeat(12)}p p`,
    },
  ])("$name", ({ seen, forMs, want }) => {
    const { states } = run(seen, { ...SPEC, forMs: [forMs] });
    expect(states).toEqual(want.split(" ").map((letter) => SHORT[letter]));
  });

  it("counts a wait once, when readings come that were on their way while the values counted as old", () => {
    const spec = { ...SPEC, forMs: [10 * MINUTE] };
    const seen = (truth: Truth): Seen => ({ steps: [truth], clear: 2 });
    const pending = stepFault(newFault(1), seen(1), 0, spec).next;
    const old = stepFault(pending, seen(2), 6 * MINUTE, spec).next;
    const known = stepFault(old, seen(1), 2 * MINUTE, spec).next;
    expect([known.onset, dueAt(known, spec)]).toEqual([0, 10 * MINUTE]);
  });

  it.each([
    { name: "keeps for its time", seen: "1 0 0 0", recoverMs: 2 * MINUTE, want: "f r r i" },
    { name: "is firing again when raised meanwhile", seen: "1 0 1 0 0 0", recoverMs: 2 * MINUTE, want: "f r f r r i" },
    {
      name: "stays recovering while unknown, without credit",
      seen: "1 0 _ _ 0 0",
      recoverMs: 2 * MINUTE,
      want: "f r r r r i",
    },
  ])("recovery $name", ({ seen, recoverMs, want }) => {
    const { states } = run(seen, { ...SPEC, recoverMs });
    expect(states).toEqual(want.split(" ").map((letter) => SHORT[letter]));
  });

  it.each([
    { name: "holds until the clear condition", seen: "1/0 0/0 0/1", want: "f f i" },
    { name: "a raised step outranks the clear condition", seen: "1/1 1/1", want: "f f" },
    { name: "an unknown clear condition clears nothing", seen: "1/0 0/_ 0/_", want: "f f f" },
  ])("with a clear condition: $name", ({ seen, want }) => {
    const { states } = run(seen, { ...SPEC, hasClear: true });
    expect(states).toEqual(want.split(" ").map((letter) => SHORT[letter]));
  });
});

describe("a ladder", () => {
  const spec: FaultSpec = { ...SPEC, forMs: [2 * MINUTE, MINUTE], hasClear: true };

  it.each([
    { name: "rises at once after its own for", seen: "10/0 10/0 10/0 11/0 11/0", level: 1 },
    { name: "never falls while it is not cleared", seen: "11/0 11/0 10/0 10/0 00/0", level: 1 },
    { name: "the upper step may fire first", seen: "11/0 11/0", level: 1 },
  ])("$name", ({ seen, level }) => {
    const { fault } = run(seen, spec);
    expect([fault.state, fault.level]).toEqual(["firing", level]);
  });
});

describe("missing", () => {
  it("raise: fires at the lowest level once it was unknown for its time", () => {
    const spec: FaultSpec = { ...SPEC, missing: missing("raise", 2 * MINUTE) };
    expect(run("_ _ _ _ 0", spec).states).toEqual(["inactive", "inactive", "firing", "firing", "inactive"]);
  });

  it("ok: is over once it was unknown for its time", () => {
    const spec: FaultSpec = { ...SPEC, missing: missing("ok", 2 * MINUTE) };
    expect(run("1 _ _ _", spec).states).toEqual(["firing", "firing", "firing", "inactive"]);
  });
});

describe("laws", () => {
  const truth = fc.constantFrom<Truth>(0, 1, 2);
  const seen = fc.record({ steps: fc.tuple(truth, truth), clear: truth });
  const history = fc.array(fc.record({ gapMs: fc.integer({ min: 0, max: 4 * MINUTE }), seen }), { maxLength: 40 });
  const spec = fc.record({
    forMs: fc.tuple(fc.integer({ min: 1, max: 5 * MINUTE }), fc.integer({ min: 1, max: 5 * MINUTE })),
    recoverMs: fc.integer({ min: 0, max: 5 * MINUTE }),
    hasClear: fc.boolean(),
    missing: fc.constant(missing("hold", 0)),
    flap: fc.constantFrom(null, { enter: 2, withinMs: 20 * MINUTE, quietMs: 5 * MINUTE }),
  });

  function walk(
    steps: readonly { gapMs: number; seen: Seen }[],
    law: FaultSpec,
    look: (before: Fault, after: Fault, seen: Seen, at: number) => void,
  ): void {
    let at = 0;
    let fault = newFault(2);
    for (const step of steps) {
      at += step.gapMs;
      const { next } = stepFault(fault, step.seen, at, law);
      look(fault, next, step.seen, at);
      fault = next;
    }
  }

  it("with a for it never goes from inactive to firing in one step", () => {
    fc.assert(
      fc.property(history, spec, (steps, law) => {
        walk(steps, law, (before, after) => expect([before.state, after.state]).not.toEqual(["inactive", "firing"]));
      }),
    );
  });

  it("unknown never clears and never raises", () => {
    fc.assert(
      fc.property(history, spec, (steps, law) => {
        walk(steps, law, (before, after, { steps: now, clear }) => {
          if (now.some((truth) => truth !== 2) || (law.hasClear && clear !== 2)) return;
          expect(after.state).toBe(before.state);
          expect(after.level).toBe(before.level);
        });
      }),
    );
  });

  it("nothing recovers without a condition that is false, or a clear condition that is true", () => {
    fc.assert(
      fc.property(history, spec, (steps, law) => {
        walk(steps, law, (before, after, { steps: now, clear }) => {
          if (!isOpen(before) || isOpen(after)) return;
          expect(law.hasClear ? clear === 1 : now.every((truth) => truth === 0)).toBe(true);
        });
      }),
    );
  });

  it("what falls due lies ahead, and changes something when it comes", () => {
    fc.assert(
      fc.property(history, spec, (steps, law) => {
        walk(steps, law, (_, after, now, at) => {
          const due = dueAt(after, law);
          expect(due).toBeGreaterThan(at);
          if (due === Number.POSITIVE_INFINITY) return;
          const { next } = stepFault(after, now, due, law);
          // Forgetting that it fired once is a change, too: a fault that remembers nothing is let go of.
          const seen = ({ state, level, recent }: Fault) => [state, level, recent.length];
          expect(seen(next)).not.toEqual(seen(after));
        });
      }),
    );
  });
});
