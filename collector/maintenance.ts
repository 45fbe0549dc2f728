/**
 * Maintenance windows: those of the file, which are edited there, and those that people enter, which are kept in the
 * state store. The judge hears of all of them whenever one changes. What people enter and end is audited.
 */
import { type Clock, err, errorText, ok, type Result } from "@aislewatch/base";
import { holds, MAINTENANCE_SETTLE_MS, scheduleOf } from "@aislewatch/rules";
import { z } from "zod";
import type { PlannedMaintenance } from "./maintenance-file.ts";
import type { StateStore } from "./store/state/store.ts";

/** That people entered and that are not over; more is a program gone wild. */
const ENTERED_MAX = 1_000;
/** Over, but of today's and yesterday's incidents: shown still. */
const REMEMBERED_MS = 7 * 86_400_000;
const DOCUMENT = "maintenance";

export type MaintenanceRequest = Pick<PlannedMaintenance, "reason" | "where" | "when">;

export type MaintenanceRefusal = {
  readonly code: "no_window" | "of_the_file" | "over" | "too_many" | "not_written";
  readonly message: string;
};

export type MaintenanceDeps = {
  readonly clock: Clock;
  readonly state: Pick<StateStore, "document" | "putDocument" | "audit">;
  /** Of the sites that there are now, by id. */
  readonly timeZones: () => ReadonlyMap<string, string>;
  /** `[a-z0-9-]`, random. */
  readonly newId: () => string;
  /** All windows there are now. */
  readonly onChanged: (windows: readonly PlannedMaintenance[]) => void;
};

export type Maintenance = {
  /** At start and after a reload. */
  useFile(windows: readonly PlannedMaintenance[]): void;
  /** Of the file first; over ones for some days. */
  list(): readonly PlannedMaintenance[];
  add(request: MaintenanceRequest, by: string): Result<PlannedMaintenance, MaintenanceRefusal>;
  /** Another reason, place or time for one that people entered and that is not over; it keeps its id. */
  change(id: string, request: MaintenanceRequest, by: string): Result<PlannedMaintenance, MaintenanceRefusal>;
  /**
   * One that runs ends now, and what still stands calls people a little later; one that has not begun is dropped. One of
   * every week is dropped for all weeks; while it runs, it ends like any other.
   */
  end(id: string, by: string): Result<PlannedMaintenance, MaintenanceRefusal>;
  /** What people entered is another on disk now: who is named in it has another name. */
  readAgain(): void;
};

const words = z.array(z.string()).readonly();
const span = z.object({ from: z.number(), to: z.number() });
const day = z.array(span).readonly();
const keptSchema = z.array(
  z.object({
    id: z.string(),
    reason: z.string(),
    by: z.string(),
    where: z.object({
      site: words.exactOptional(),
      device: words.exactOptional(),
      kind: words.exactOptional(),
      labels: z.record(z.string(), words).exactOptional(),
    }),
    when: z.discriminatedUnion("is", [
      z.object({ is: z.literal("once"), fromMs: z.number(), toMs: z.number() }),
      z.object({
        is: z.literal("weekly"),
        hours: z.object({ mon: day, tue: day, wed: day, thu: day, fri: day, sat: day, sun: day }),
        timeZone: z.string().nullable(),
      }),
    ]),
  }),
);

export function createMaintenance({ clock, state, timeZones, newId, onChanged }: MaintenanceDeps): Maintenance {
  let ofFile: readonly PlannedMaintenance[] = [];
  let entered: readonly PlannedMaintenance[] | null = null;

  /** Read at the first use: the store is not open when this is built. */
  const people = (): readonly PlannedMaintenance[] => {
    entered ??= readKept(state.document(DOCUMENT));
    return entered;
  };
  const all = (): PlannedMaintenance[] => [...ofFile, ...people()];

  /** Written down before anything goes by it. */
  function write(
    next: readonly PlannedMaintenance[],
    { by, action, detail }: { by: string; action: string; detail: string },
  ): Result<null, MaintenanceRefusal> {
    const kept = next.filter(({ when }) => when.is === "weekly" || when.toMs > clock.now() - REMEMBERED_MS);
    try {
      state.putDocument(DOCUMENT, JSON.stringify(kept));
      state.audit({ at: clock.now(), actor: by, action, detail });
    } catch (thrown) {
      return err({ code: "not_written", message: `What is not written down does not hold: ${errorText(thrown)}` });
    }
    entered = kept;
    onChanged(all());
    return ok(null);
  }

  /** One that people entered, and that may still be changed or ended. */
  function enteredWindow(id: string): Result<PlannedMaintenance, MaintenanceRefusal> {
    if (ofFile.some((window) => window.id === id)) {
      return err({ code: "of_the_file", message: `${id} stands in the maintenance file: change it there.` });
    }
    const found = people().find((window) => window.id === id);
    if (found === undefined) return err({ code: "no_window", message: `There is no maintenance window ${id}.` });
    return isOver(found, clock.now()) ? err({ code: "over", message: `${id} is over.` }) : ok(found);
  }

  const isPast = ({ when }: Pick<MaintenanceRequest, "when">): boolean =>
    when.is === "once" && when.toMs <= clock.now();
  const refusePast = err({ code: "over", message: "This window would be over before it began." } as const);

  return {
    useFile(windows) {
      ofFile = windows;
      onChanged(all());
    },
    list: all,
    readAgain() {
      entered = null;
    },

    add({ reason, where, when }, by) {
      if (isPast({ when })) return refusePast;
      if (people().filter((window) => !isOver(window, clock.now())).length >= ENTERED_MAX) {
        return err({ code: "too_many", message: `There are ${ENTERED_MAX} windows already; end some first.` });
      }
      const window: PlannedMaintenance = { id: `m-${newId()}`, reason, by, where, when };
      const done = write([...people(), window], { by, action: "maintenance_added", detail: `${window.id}: ${reason}` });
      return done.ok ? ok(window) : done;
    },

    change(id, request, by) {
      const known = enteredWindow(id);
      if (!known.ok) return known;
      if (isPast(request)) return refusePast;
      const window: PlannedMaintenance = { ...known.value, ...request };
      const next = people().map((each) => (each === known.value ? window : each));
      const done = write(next, { by, action: "maintenance_changed", detail: `${id}: ${request.reason}` });
      return done.ok ? ok(window) : done;
    },

    end(id, by) {
      const known = enteredWindow(id);
      if (!known.ok) return known;
      const [found, now] = [known.value, clock.now()];
      const { when } = found;
      // Its last minutes are those in which things come back.
      if (when.is === "once" && when.toMs <= now) return err({ code: "over", message: `${id} has ended already.` });
      const isRunning = runsAt(found, timeZones(), now);
      const fromMs = when.is === "once" ? when.fromMs : now;
      const ended: PlannedMaintenance = isRunning ? { ...found, when: { is: "once", fromMs, toMs: now } } : found;
      const next = people().flatMap((window) => (window === found ? (isRunning ? [ended] : []) : [window]));
      const done = write(next, { by, action: "maintenance_ended", detail: `${id}: ${found.reason}` });
      return done.ok ? ok(ended) : done;
    },
  };
}

/** `New switches (m-17)`; of one that is gone the id alone. */
export function reasonOf(windows: readonly PlannedMaintenance[], id: string): string {
  const found = windows.find((window) => window.id === id);
  return found === undefined ? id : `${found.reason} (${id})`;
}

/** The settle time included: until then nobody is called. */
export const isOver = ({ when }: PlannedMaintenance, nowMs: number): boolean =>
  when.is === "once" && when.toMs + MAINTENANCE_SETTLE_MS <= nowMs;

/** Does it hold now, the settle time included, at any of its sites? */
export function runsAt(window: PlannedMaintenance, timeZones: ReadonlyMap<string, string>, nowMs: number): boolean {
  if (window.when.is === "once") return holds(scheduleOf(window, "UTC"), nowMs);
  const { site: sites } = window.where;
  const zones = [...timeZones].flatMap(([site, zone]) => (sites?.includes(site) === false ? [] : [zone]));
  return [...new Set(zones)].some((zone) => holds(scheduleOf(window, zone), nowMs));
}

function readKept(text: string | null): readonly PlannedMaintenance[] {
  if (text === null) return [];
  try {
    const kept = keptSchema.safeParse(JSON.parse(text));
    return kept.success ? kept.data : [];
  } catch {
    return []; // Damaged, or of another version: nobody is hushed by what can't be read.
  }
}
