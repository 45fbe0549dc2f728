/**
 * The demo's timetable: faults that come and go by themselves, so that a visitor sees something happen within seconds
 * and the whole story within ten minutes. It is data; playing it needs a clock and a store. A device that a visitor
 * touched is left alone for ten minutes.
 */
import type { Clock, Result } from "@aislewatch/base";
import type { DemoError } from "./demo-error.ts";
import { HEAL_ALL } from "./store.ts";

export type Act = {
  readonly atSeconds: number;
  readonly device: string;
  readonly do: "fault" | "heal";
  /** A fault of the device; with `heal` also `all`. */
  readonly fault: string;
};

const fault = (atSeconds: number, device: string, name: string): Act => ({
  atSeconds,
  device,
  do: "fault",
  fault: name,
});
const heal = (atSeconds: number, device: string, name: string): Act => ({ atSeconds, device, do: "heal", fault: name });

/**
 * In order of time. Each fault lasts longer than the shipped rules wait for it (30 s for most, minutes for a busy
 * processor), and none begins so shortly before the switch dies that its device falls silent first.
 */
export const DEMO_TIMETABLE: readonly Act[] = [
  fault(12, "receiving/label-printer", "media-low"),
  fault(20, "bakery/label-printer", "head-open"),
  fault(28, "lane-2/pos", "disk-full"),
  fault(36, "lane-2/receipt-printer", "paper-out"),
  fault(50, "back-office/ups", "mains-loss"),
  fault(62, "receiving/conveyor", "jam"),
  fault(75, "receiving/label-printer", "media-out"),
  fault(90, "lane-1/scale", "over-capacity"),
  heal(105, "bakery/label-printer", "head-open"),
  fault(115, "lane-3/pos", "process-down"),
  heal(125, "receiving/conveyor", "jam"),
  fault(135, "back-office/printer", "toner-low"),
  heal(150, "lane-1/scale", "over-capacity"),
  heal(160, "back-office/ups", "mains-loss"),
  heal(170, "lane-2/receipt-printer", "paper-out"),
  fault(175, "service-desk/receipt-printer", "unplugged"),
  heal(195, "receiving/label-printer", HEAL_ALL),
  heal(210, "lane-3/pos", "process-down"),
  heal(225, "service-desk/receipt-printer", "unplugged"),
  // The switch takes lanes, printers and the conveyor with it: one cause, one incident.
  fault(240, "network/switch-1", "dead"),
  heal(310, "network/switch-1", "dead"),
  fault(335, "lane-1/pos", "cpu-high"),
  heal(345, "lane-2/pos", "disk-full"),
  fault(355, "back-office/printer", "jam"),
  fault(370, "bakery/label-printer", "ribbon-out"),
  fault(380, "receiving/incline-drive", "trip"),
  fault(395, "lane-3/receipt-printer", "cutter-jam"),
  fault(405, "lane-4/scale", "calibration-lost"),
  heal(420, "back-office/printer", "jam"),
  heal(430, "receiving/incline-drive", "trip"),
  heal(445, "bakery/label-printer", "ribbon-out"),
  fault(455, "network/switch-1", "port-down"),
  fault(460, "lane-1/scanner", "dead"),
  heal(470, "lane-4/scale", "calibration-lost"),
  fault(475, "service-desk/scanner", "wrong-mode"),
  heal(485, "lane-3/receipt-printer", "cutter-jam"),
  // Its scale and its scanner go with it.
  fault(505, "lane-4/pos", "dead"),
  heal(520, "network/switch-1", "port-down"),
  heal(530, "lane-1/scanner", "dead"),
  fault(540, "receiving/conveyor", "emergency-stop"),
  heal(570, "service-desk/scanner", "wrong-mode"),
  heal(575, "receiving/conveyor", "emergency-stop"),
  heal(585, "lane-4/pos", "dead"),
  heal(590, "back-office/printer", "toner-low"),
  heal(595, "lane-1/pos", "cpu-high"),
];
/** The timetable begins again this long after its start; what is left after the last act is a pause. */
export const ROUND_SECONDS = 640;

/** For how long a device that a visitor touched stays out of the scenario. */
const HANDS_OFF_MS = 10 * 60_000;

export type Stage = {
  fault(device: string, fault: string): Promise<Result<void, DemoError>>;
  heal(device: string, fault: string): Promise<Result<void, DemoError>>;
};

export type ScenarioOptions = {
  readonly clock: Clock;
  readonly store: Stage;
  readonly timetable?: readonly Act[];
  readonly roundSeconds?: number;
  /** After each act that was played; errors are bugs of the timetable. */
  readonly onPlayed?: (act: Act, result: Result<void, DemoError>) => void;
};

export type Scenario = {
  /** A visitor touched this device. */
  handsOff(device: string): void;
  stop(): void;
};

export function playScenario(options: ScenarioOptions): Scenario {
  const { clock, store, onPlayed = () => {} } = options;
  const timetable = options.timetable ?? DEMO_TIMETABLE;
  const roundMs = (options.roundSeconds ?? ROUND_SECONDS) * 1000;
  const handsOffUntilMs = new Map<string, number>();
  let roundStartMs = clock.monotonic();
  let next = 0;
  let stopped = false;
  let cancel: () => void = () => {};

  const perform = (act: Act): void => {
    if (clock.monotonic() < (handsOffUntilMs.get(act.device) ?? 0)) return;
    void store[act.do](act.device, act.fault).then((result) => {
      if (!stopped) onPlayed(act, result);
    });
  };
  const schedule = (): void => {
    const act = timetable[next];
    // At the end of the timetable the rest of the round is a pause.
    const dueMs = roundStartMs + (act === undefined ? roundMs : act.atSeconds * 1000);
    cancel = clock.after(dueMs - clock.monotonic(), () => {
      if (act === undefined) {
        // From now, not from when it was due: a laptop that slept must not replay every round it missed.
        roundStartMs = clock.monotonic();
        next = 0;
      } else {
        next++;
        perform(act);
      }
      schedule();
    });
  };
  if (timetable.length > 0) schedule();

  return {
    handsOff(device) {
      handsOffUntilMs.set(device, clock.monotonic() + HANDS_OFF_MS);
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}
