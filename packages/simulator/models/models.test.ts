import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type MibEntry, type MibValue, OidTree } from "../oid-tree.ts";
import { seededRandom } from "../random.ts";
import { acceptJob, labelPrinter, QUEUE_LABELS_MAX } from "./label-printer.ts";
import { type BaseState, type Input, type Model, step } from "./model.ts";
import { networkSwitch } from "./network-switch.ts";
import { officePrinter } from "./office-printer.ts";
import { POS_PROCESS, posTerminal } from "./pos-terminal.ts";
import { ups } from "./ups.ts";

const at = { location: "Riverside Market", name: "test", serial: "TST0042" };
const label = labelPrinter({ ...at, model: "ZT411", firmware: "V92.21.39Z" });
const office = officePrinter({ ...at, model: "LaserJet M480" });
const linux = posTerminal({ ...at, os: "linux" });
const windows = posTerminal({ ...at, os: "windows" });
const power = ups({ ...at, manufacturer: "Voltgard", model: "VG 1500" });
const access = networkSwitch({
  ...at,
  model: "CBS250",
  firmware: "3.4",
  plugged: { 1: "lane-1/pos", 7: "self-checkout" },
  loosePort: 7,
});
const NOW = 1_760_000_000_000;

/** Runs a model through inputs and gives what SNMP says after each. */
function play<State extends BaseState<Fault>, Fault extends string>(
  model: Model<State, Fault>,
  inputs: readonly Input<NoInfer<Fault>>[],
  seed = 1,
): OidTree[] {
  const random = seededRandom(seed);
  let state = model.start(random);
  return inputs.map((input) => {
    state = step(model, state, input, random);
    return new OidTree(model.mib(state, NOW));
  });
}
const after = <S extends BaseState<F>, F extends string>(model: Model<S, F>, ...inputs: Input<NoInfer<F>>[]): OidTree =>
  play(model, inputs).at(-1) ?? new OidTree([]);
const fault = <F extends string>(name: F): Input<F> => ({ kind: "fault", fault: name });
const faultsOf = <F extends string>(names: readonly F[]): Input<F>[] => names.map((name) => fault(name));
const heal = <F extends string>(name: F): Input<F> => ({ kind: "heal", fault: name });
const elapsed = (seconds: number): { kind: "elapsed"; ms: number } => ({ kind: "elapsed", ms: seconds * 1000 });

const number = (tree: OidTree, oid: string): number => {
  const value = tree.get(oid)?.value;
  return value?.type === "octets" || value === undefined ? Number.NaN : Number(value.value);
};
const text = (tree: OidTree, oid: string): string => {
  const value = tree.get(oid)?.value;
  return value?.type === "octets" ? new TextDecoder().decode(value.value) : "";
};
const hex = (tree: OidTree, oid: string): string => {
  const value = tree.get(oid)?.value;
  return value?.type === "octets" ? Buffer.from(value.value).toString("hex") : "";
};

const ERRORS = "1.3.6.1.2.1.25.3.5.1.2";
const STATUS = "1.3.6.1.2.1.25.3.2.1.5";

describe("label printer", () => {
  it.each([
    { name: "nothing", faults: [], bits: "0000", status: 2, ready: 1 },
    { name: "media-low", faults: ["media-low"], bits: "8000", status: 3, ready: 1 },
    { name: "media-out", faults: ["media-out"], bits: "4000", status: 5, ready: 2 },
    { name: "media low, then out", faults: ["media-low", "media-out"], bits: "4000", status: 5, ready: 2 },
    { name: "ribbon-out", faults: ["ribbon-out"], bits: "1000", status: 5, ready: 2 },
    { name: "head-open", faults: ["head-open"], bits: "0800", status: 5, ready: 2 },
    { name: "head-hot", faults: ["head-hot"], bits: "0000", status: 5, ready: 2 },
    { name: "ribbon-low", faults: ["ribbon-low"], bits: "2000", status: 3, ready: 1 },
    { name: "cutter-jam", faults: ["cutter-jam"], bits: "0000", status: 5, ready: 2 },
    { name: "jam", faults: ["jam"], bits: "0400", status: 5, ready: 2 },
    { name: "paused", faults: ["paused"], bits: "0200", status: 3, ready: 2 },
    { name: "out and open at once", faults: ["media-out", "head-open"], bits: "4800", status: 5, ready: 2 },
  ] as const)("$name: hrPrinterDetectedErrorState $bits, hrDeviceStatus $status", ({ faults, bits, status, ready }) => {
    const tree = after(label, elapsed(1), ...faultsOf(faults), elapsed(30));
    expect([hex(tree, `${ERRORS}.2`), number(tree, `${STATUS}.2`)]).toEqual([bits, status]);
    expect(number(tree, "1.3.6.1.4.1.10642.6.22.0")).toBe(ready);
  });

  it("says out in every place that knows it", () => {
    const tree = after(label, fault("media-out"));
    expect(number(tree, "1.3.6.1.2.1.43.8.2.1.10.2.1")).toBe(0);
    expect(number(tree, "1.3.6.1.2.1.43.18.1.1.7.2.1")).toBe(808);
    expect(number(tree, "1.3.6.1.4.1.10642.6.23.0")).toBe(2);
    expect(text(tree, "1.3.6.1.4.1.10642.200.9.2.0")).toBe("out");
    expect([2, 1]).toEqual([4, 5].map((column) => number(tree, `1.3.6.1.4.1.10642.10.31.1.${column}.1`)));
  });

  it("prints nothing while it can't, and works its queue off afterwards", () => {
    const random = seededRandom(4);
    let state = acceptJob(label.start(random), 60);
    state = step(label, state, fault("head-open"), random);
    const before = state.printedLabels;
    state = step(label, state, elapsed(30), random);
    expect(state.printedLabels).toBe(before);
    expect(state.queue).toBeGreaterThanOrEqual(60);
    state = step(label, step(label, state, heal("head-open"), random), elapsed(60), random);
    expect(state.printedLabels - before).toBeGreaterThanOrEqual(60);
  });

  it("a new roll ends low and out", () => {
    const inputs = [fault("media-low"), fault("media-out"), heal("media-low"), heal("media-out")] as const;
    expect(play(label, inputs).map((tree) => number(tree, "1.3.6.1.2.1.43.8.2.1.10.2.1"))).toEqual([12, 0, 0, 100]);
  });

  it("never holds more jobs than its buffer", () => {
    expect(acceptJob(label.start(seededRandom(1)), 10_000).queue).toBe(QUEUE_LABELS_MAX);
  });
});

describe("office printer", () => {
  it.each([
    { faults: [], bits: "0000", status: 2, alert: Number.NaN },
    { faults: ["toner-low"], bits: "2000", status: 3, alert: 1104 },
    { faults: ["toner-low", "toner-out"], bits: "1000", status: 5, alert: 1101 },
    { faults: ["cover-open"], bits: "0800", status: 5, alert: 3 },
    { faults: ["paper-out"], bits: "4000", status: 5, alert: 808 },
    { faults: ["jam"], bits: "0400", status: 5, alert: 8 },
  ] as const)("$faults: error bits $bits, status $status, first alert $alert", ({ faults, bits, status, alert }) => {
    const tree = after(office, elapsed(1), ...faultsOf(faults), elapsed(60));
    expect([hex(tree, `${ERRORS}.1`), number(tree, `${STATUS}.1`)]).toEqual([bits, status]);
    expect(number(tree, "1.3.6.1.2.1.43.18.1.1.7.1.1")).toBe(alert);
  });

  it("calls unknown levels unknown: manual feed -3 of -2, fuser -3", () => {
    const tree = after(office, elapsed(1));
    expect(number(tree, "1.3.6.1.2.1.43.8.2.1.10.1.3")).toBe(-3);
    expect(number(tree, "1.3.6.1.2.1.43.8.2.1.9.1.3")).toBe(-2);
    expect(number(tree, "1.3.6.1.2.1.43.11.1.1.9.1.6")).toBe(-3);
  });
});

describe("UPS", () => {
  const U = "1.3.6.1.2.1.33.1";
  it("without mains its charge and runtime fall and its seconds on battery rise, until mains is back", () => {
    const [normal, two, four, back, later] = play(power, [
      elapsed(1),
      fault("mains-loss"),
      elapsed(240),
      heal("mains-loss"),
      elapsed(3_600),
    ]);
    if (!(normal && two && four && back && later)) throw new Error("five states");
    const row = (tree: OidTree): number[] =>
      [`${U}.4.1.0`, `${U}.2.2.0`, `${U}.2.4.0`, `${U}.6.1.0`].map((o) => number(tree, o));
    expect(row(normal)).toEqual([3, 0, 100, 0]);
    expect(row(two)).toEqual([5, 1, 100, 2]);
    expect(row(four).slice(0, 2)).toEqual([5, 240]);
    expect(number(four, `${U}.2.4.0`)).toBeLessThan(80);
    expect(number(four, `${U}.2.3.0`)).toBeLessThan(number(normal, `${U}.2.3.0`));
    expect(number(four, `${U}.3.3.1.3.1`)).toBe(0);
    expect(row(back).slice(0, 2)).toEqual([3, 0]);
    expect(row(later)).toEqual([3, 0, 100, 0]);
  });

  it.each([
    { faults: ["battery-low"], oid: "2.1.0", want: 3, alarm: 3 },
    { faults: ["overload"], oid: "6.1.0", want: 1, alarm: 8 },
    { faults: ["battery-replace"], oid: "7.3.0", want: 3, alarm: 1 },
  ] as const)("$faults: $oid is $want and lists alarm $alarm", ({ faults, oid, want, alarm }) => {
    const tree = after(power, ...faultsOf(faults), elapsed(20));
    expect(number(tree, `${U}.${oid}`)).toBe(want);
    expect(tree.get(`${U}.6.2.1.2.1`)?.value.value).toBe(`${U}.6.3.${alarm}`);
  });

  it("goes low, then depleted, when mains stays away", () => {
    const states = play(power, [fault("mains-loss"), ...Array.from({ length: 80 }, () => elapsed(60))]);
    const statuses = states.map((tree) => number(tree, `${U}.2.1.0`));
    expect([...new Set(statuses)]).toEqual([2, 3, 4]);
  });
});

describe("POS terminal", () => {
  const used = (tree: OidTree, index: number): number =>
    number(tree, `1.3.6.1.2.1.25.2.3.1.6.${index}`) / number(tree, `1.3.6.1.2.1.25.2.3.1.5.${index}`);

  it.each([
    { os: "linux", model: linux, disk: 31 },
    { os: "windows", model: windows, disk: 1 },
  ])("$os: the disk fills within a minute and is cleaned within half of one", ({ model, disk }) => {
    const [before, half, full, clean] = play(model, [
      elapsed(1),
      fault("disk-full"),
      elapsed(60),
      heal("disk-full"),
      elapsed(30),
    ]).flatMap((tree, i) => (i === 3 ? [] : [used(tree, disk)]));
    expect(before).toBeLessThan(0.6);
    expect(half).toBeLessThan(0.6);
    expect(full).toBeGreaterThan(0.97);
    expect(clean).toBeLessThan(0.6);
  });

  it("processor load rises near 100 % and falls again", () => {
    const cores = (tree: OidTree): number[] =>
      [0, 1, 2, 3].map((n) => number(tree, `1.3.6.1.2.1.25.3.3.1.2.${196_608 + n}`));
    const [, busy, , calm] = play(linux, [fault("cpu-high"), elapsed(30), heal("cpu-high"), elapsed(90)]).map(cores);
    expect(Math.min(...(busy ?? []))).toBeGreaterThan(85);
    expect(Math.max(...(calm ?? []))).toBeLessThan(30);
  });

  it("the POS program leaves the process table and comes back under a new id", () => {
    const pids = (tree: OidTree): string[] => {
      const found: string[] = [];
      const column = "1.3.6.1.2.1.25.4.2.1.2";
      for (let e = tree.next(column); e?.oid.startsWith(`${column}.`); e = tree.next(e.oid)) {
        if (text(tree, e.oid) === POS_PROCESS.linux) found.push(e.oid.slice(column.length + 1));
      }
      return found;
    };
    const [before, gone, back] = play(linux, [elapsed(1), fault("process-down"), heal("process-down")]).map(pids);
    expect([before?.length, gone?.length, back?.length]).toEqual([1, 0, 1]);
    expect(back).not.toEqual(before);
  });

  it("reports its clock as DateAndTime in UTC", () => {
    expect(hex(after(linux, elapsed(1)), "1.3.6.1.2.1.25.1.2.0")).toBe("07e90a09083514002b0000");
  });
});

describe("switch", () => {
  it("a loose cable takes the link of its port and of no other", () => {
    const tree = after(access, fault("port-down"), elapsed(5));
    const oper = (port: number): number => number(tree, `1.3.6.1.2.1.2.2.1.8.${10_100 + port}`);
    expect([oper(1), oper(7), oper(2)]).toEqual([1, 2, 2]);
    // Unused ports are switched off, so they are no fault.
    expect([1, 7, 2].map((port) => number(tree, `1.3.6.1.2.1.2.2.1.7.${10_100 + port}`))).toEqual([1, 1, 2]);
  });

  it("starts from zero uptime and zero counters after a power cycle", () => {
    const tree = after(access, elapsed(60), fault("dead"), elapsed(60), heal("dead"));
    expect([number(tree, "1.3.6.1.2.1.1.3.0"), number(tree, "1.3.6.1.2.1.31.1.1.1.6.10101")]).toEqual([0, 0]);
  });
});

/** What must hold of every model under any treatment. */
describe("every model", () => {
  const PERCENT_COLUMNS = /^1\.3\.6\.1\.2\.1\.(33\.1\.2\.4\.0|25\.3\.3\.1\.2\.\d+)$/;
  const isCounter = (value: MibValue): boolean => value.type === "counter64";

  function holds<State extends BaseState<Fault>, Fault extends string>(model: Model<State, Fault>): void {
    // `dead` is left out: a power cycle may start counters again.
    const names = (Object.keys(model.faults) as Fault[]).filter((name) => name !== "dead");
    const input = fc.oneof(
      fc.integer({ min: 0, max: 600_000 }).map((ms): Input<Fault> => ({ kind: "elapsed", ms })),
      fc.constantFrom(...names).map(fault<Fault>),
      fc.constantFrom(...names).map(heal<Fault>),
    );
    fc.assert(
      fc.property(fc.array(input, { maxLength: 25 }), fc.integer(), (inputs, seed) => {
        const counters = new Map<string, bigint>();
        for (const tree of play(model, inputs, seed)) {
          for (let entry = tree.next("1"); entry !== null; entry = tree.next(entry.oid)) check(entry, counters);
        }
      }),
      { numRuns: 40 },
    );
  }

  function check({ oid, value }: MibEntry, counters: Map<string, bigint>): void {
    if (value.type !== "octets" && value.type !== "oid" && !Number.isFinite(Number(value.value))) {
      throw new Error(`${oid} is ${value.value}`);
    }
    if (PERCENT_COLUMNS.test(oid) && (Number(value.value) < 0 || Number(value.value) > 100)) {
      throw new Error(`${oid} is ${value.value} %`);
    }
    if (isCounter(value)) {
      const counted = BigInt(value.value as bigint);
      if (counted < (counters.get(oid) ?? 0n)) throw new Error(`${oid} counts backwards`);
      counters.set(oid, counted);
    }
  }

  it.each([
    { name: "label printer", run: () => holds(label) },
    { name: "office printer", run: () => holds(office) },
    { name: "UPS", run: () => holds(power) },
    { name: "POS terminal on Linux", run: () => holds(linux) },
    { name: "POS terminal on Windows", run: () => holds(windows) },
    { name: "switch", run: () => holds(access) },
  ])("$name: numbers are finite, percentages within 0 to 100, counters only grow", ({ run }) => run());

  it("label, ribbon, toner and disk levels stay within 0 to 100 under any treatment", () => {
    const random = seededRandom(11);
    let printer = label.start(random);
    const names = Object.keys(label.faults) as (keyof typeof label.faults)[];
    for (let i = 0; i < 5_000; i++) {
      const name = names[Math.floor(random() * names.length)] ?? "paused";
      const choice = random();
      const input = choice < 0.6 ? elapsed(random() * 90) : choice < 0.8 ? fault(name) : heal(name);
      const before = printer.printedLabels;
      printer = step(label, printer, input, random);
      expect(printer.mediaPercent).toBeGreaterThanOrEqual(0);
      expect(printer.mediaPercent).toBeLessThanOrEqual(100);
      expect(printer.ribbonPercent).toBeGreaterThanOrEqual(0);
      expect(printer.queue).toBeGreaterThanOrEqual(0);
      expect(printer.printedLabels).toBeGreaterThanOrEqual(before);
    }
  });
});
