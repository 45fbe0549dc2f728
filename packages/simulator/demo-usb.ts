/**
 * USB devices of the demo's computer, in a tree that only looks like sysfs. What is wrong with a device decides what is
 * in its port; a loose plug drops it every FLAP_MS.
 */
import type { Clock } from "@aislewatch/base";
import type { Kind } from "@aislewatch/devices";
import type { LiveDevice } from "./live-device.ts";
import type { UsbTree, UsbUnit } from "./usb-tree.ts";

export type PlannedUsb = {
  readonly kind: Kind;
  /** As the kernel names it: `1-3`. */
  readonly port: string;
  readonly unit: UsbUnit;
  /** What it answers as in another interface mode; null: it has but one. */
  readonly otherMode: Partial<UsbUnit> | null;
};

/** What the store needs of a device, whatever it is made of. */
export type DemoLife = Pick<LiveDevice, "kind" | "faults" | "activeFaults" | "fault" | "heal">;

/** Three within ten minutes are an incident; the agent's windows are warm after a minute. */
const FLAP_MS = 10_000;

const FAULTS = {
  unplugged: "its cable is pulled",
  flapping: `a loose plug: away for a moment every ${FLAP_MS / 1_000} s`,
  "over-current": "a short in its cable: the hub switches its port off",
  "power-refused": "its port lacks the power: plugged in, and not taken up",
};
const WRONG_MODE = { "wrong-mode": "somebody scanned a label that sets it to another interface" };

export type UsbLife = DemoLife & { stop(): void };

export function plugIn({ kind, port, unit, otherMode }: PlannedUsb, tree: UsbTree, clock: Clock): UsbLife {
  const faults: Readonly<Record<string, string>> = { ...FAULTS, ...(otherMode !== null && WRONG_MODE) };
  const active = new Set<string>();
  let cancel: () => void = () => {};
  /** What is in the port; null: nothing. */
  let there: UsbUnit | null = null;

  const isAway = (): boolean => active.has("unplugged") || active.has("over-current");
  const settle = (): void => {
    const mode = active.has("wrong-mode") ? { ...unit, ...otherMode } : unit;
    const wanted = isAway() ? null : active.has("power-refused") ? { ...mode, configured: false } : mode;
    if (JSON.stringify(wanted) === JSON.stringify(there)) return;
    there = wanted;
    if (wanted === null) tree.unplug(port);
    else tree.plug(port, wanted);
  };
  const flap = (): void => {
    cancel = clock.after(FLAP_MS, flap);
    if (!isAway()) tree.drop(port);
  };
  const strike = (fault: string): void => {
    if (fault === "over-current") tree.overCurrent(port);
    if (fault === "power-refused") {
      tree.say(`usb ${port}: rejected 1 configuration due to insufficient available bus power`);
    }
    if (fault === "flapping") flap();
  };

  settle();
  return {
    kind,
    faults,
    activeFaults: () => [...active],
    fault(name) {
      if (!Object.hasOwn(faults, name)) return false;
      if (active.has(name)) return true;
      active.add(name);
      strike(name);
      settle();
      return true;
    },
    heal(name) {
      if (!Object.hasOwn(faults, name)) return false;
      if (name === "flapping") cancel();
      active.delete(name);
      settle();
      return true;
    },
    stop: () => cancel(),
  };
}
