/**
 * How urgent an incident is now: its severity, what is left of the device's role at its site, and whether the site trades.
 * What is left is asked of the engine once a role, for it looks at every device of a site, and a dead switch fails hundreds
 * at once.
 */
import type { Severity } from "@aislewatch/devices";
import { type Engine, isOpen, roleOf, type Transition } from "@aislewatch/rules";
import type { IncidentBook } from "./incident-book.ts";
import { isOpenState } from "./incidents/log.ts";
import { type Assessment, assessPriority, type Capacity, type PriorityPolicy } from "./incidents/priority.ts";
import { reassessed } from "./incidents/transition.ts";
import type { Present } from "./present.ts";
import type { Site } from "./sites.ts";

export type AssessorDeps = {
  readonly engine: Engine;
  readonly book: IncidentBook;
  readonly present: Pick<Present, "facts">;
  readonly siteOf: (id: string) => Site;
  readonly policy: () => PriorityPolicy | undefined;
};

export type Assessor = {
  assess(subject: Transition["subject"], severity: Severity, at: number): Assessment;
  roleOf(site: string, device: string): string;
  /** What is left of these roles changed, at the times given, and with it what their other incidents mean. */
  reassessRoles(site: string, roles: ReadonlyMap<string, number>): void;
  /** The engine goes on: what was left of roles holds no more. */
  engineMoved(): void;
};

export function createAssessor({ engine, book, present, siteOf, policy }: AssessorDeps): Assessor {
  /** By site and role, for as long as the engine stands still. */
  const capacities = new Map<string, Capacity>();
  /** A hundred incidents of a site are assessed for one moment, when what is left of it changes. */
  let lastAsked: { readonly site: Site; readonly at: number; readonly open: boolean } | null = null;

  function isOpenThen(site: Site, at: number): boolean {
    if (lastAsked?.site !== site || lastAsked.at !== at) lastAsked = { site, at, open: isOpen(site, at) };
    return lastAsked.open;
  }

  function capacityOf(site: string, device: string): Capacity {
    const facts = present.facts(site, device);
    if (facts === undefined) return engine.capacity(site, device);
    const key = `${site}/${roleOf(facts.device)}`;
    const known = capacities.get(key);
    if (known !== undefined) return known;
    const counted = engine.capacity(site, device);
    capacities.set(key, counted);
    return counted;
  }

  function assess({ site, device }: Transition["subject"], severity: Severity, at: number): Assessment {
    const kind = device === null ? null : (present.facts(site, device)?.device.kind ?? null);
    const capacity = device === null ? null : capacityOf(site, device);
    return assessPriority({ severity, capacity, kind, open: isOpenThen(siteOf(site), at) }, policy());
  }

  return {
    assess,
    roleOf: (site, device) => capacityOf(site, device).role,
    reassessRoles(site, roles) {
      for (const { key, incident } of book.at(site)) {
        if (incident.recoveredAt !== null || !isOpenState(incident.state)) continue;
        const { subject } = incident;
        const at = subject.device === null ? undefined : roles.get(capacityOf(site, subject.device).role);
        if (at === undefined) continue;
        const changed = reassessed(incident, assess(subject, incident.severity, at));
        if (changed.length > 0) book.write(key, incident, changed, { at, actor: "system" });
      }
    },
    engineMoved: () => capacities.clear(),
  };
}
