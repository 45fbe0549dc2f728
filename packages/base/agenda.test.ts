import fc from "fast-check";
import { expect, it } from "vitest";
import { Agenda, isBefore, NO_PLACE } from "./agenda.ts";

class Timer {
  readonly id: string;
  place = NO_PLACE;
  looks = 0;
  #dueAt = Number.POSITIVE_INFINITY;

  constructor(n: number) {
    this.id = `timer-${n}`;
  }

  get dueAt(): number {
    this.looks++;
    return this.#dueAt;
  }

  set dueAt(at: number) {
    this.#dueAt = at;
  }
}

const timers = (count: number): Timer[] => Array.from({ length: count }, (_, n) => new Timer(n));

it("knows who is due first, whatever was moved and taken out before", () => {
  const step = fc.record({
    who: fc.nat(12),
    to: fc.oneof(fc.nat(6), fc.constant(Number.POSITIVE_INFINITY), fc.constant("out" as const)),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const all = timers(13);
      const agenda = new Agenda<Timer>();
      const inside = new Set<Timer>();
      const gone = new Set<Timer>();
      for (const { who, to } of steps) {
        const timer = all[who] ?? new Timer(who);
        if (to === "out") {
          agenda.remove(timer);
          inside.delete(timer);
          gone.add(timer);
        } else {
          timer.dueAt = to;
          agenda.arrange(timer);
          if (!gone.has(timer)) inside.add(timer);
        }
        const [first = null] = [...inside].sort((a, b) => (isBefore(a, b) ? -1 : 1));
        expect(agenda.first).toBe(first);
      }
    }),
  );
});

it("tells those of one moment in an order of their own, in whatever order they came", () => {
  const agenda = new Agenda<Timer>();
  for (const timer of timers(4).toReversed()) {
    timer.dueAt = 5;
    agenda.arrange(timer);
  }
  const told: string[] = [];
  for (let first = agenda.first; first !== null; first = agenda.first) {
    told.push(first.id);
    agenda.remove(first);
  }
  expect(told).toEqual(["timer-0", "timer-1", "timer-2", "timer-3"]);
});

it("looks at no more than grows with the logarithm of how many there are", () => {
  const looksEach = (count: number): number => {
    const all = timers(count);
    const agenda = new Agenda<Timer>();
    for (const [n, timer] of all.entries()) {
      timer.dueAt = (n * 7_919) % count;
      agenda.arrange(timer);
    }
    for (let first = agenda.first, turn = 0; first !== null && turn < count; turn++) {
      first.dueAt = count + turn;
      agenda.arrange(first);
      first = agenda.first;
    }
    return all.reduce((sum, { looks }) => sum + looks, 0) / count;
  };
  expect(looksEach(8_192)).toBeLessThan(2 * looksEach(128));
});
