/**
 * Which runbook steps a person has ticked off, kept in this browser: they are a working aid, not part of the record.
 * At most `INCIDENTS_MAX` incidents are remembered; the one touched longest ago goes first.
 */
export type Ticked = ReadonlyMap<string, readonly string[]>;

const INCIDENTS_MAX = 200;
const STEPS_MAX = 200;

/** What was stored, or nothing when it is damaged: storage belongs to the person, not to us. */
export function readTicked(stored: string | null): Ticked {
  if (stored === null) return new Map();
  let parsed: unknown;
  try {
    parsed = JSON.parse(stored);
  } catch {
    return new Map();
  }
  if (!Array.isArray(parsed)) return new Map();
  const entries: [string, string[]][] = [];
  for (const entry of parsed.slice(-INCIDENTS_MAX)) {
    if (!Array.isArray(entry)) continue;
    const [id, steps]: unknown[] = entry;
    if (typeof id !== "string" || !Array.isArray(steps)) continue;
    entries.push([id, steps.filter((step) => typeof step === "string").slice(0, STEPS_MAX)]);
  }
  return new Map(entries);
}

export const writeTicked = (ticked: Ticked): string => JSON.stringify([...ticked].slice(-INCIDENTS_MAX));

export function toggleStep(ticked: Ticked, incident: string, step: string): Ticked {
  const old = ticked.get(incident) ?? [];
  const steps = old.includes(step) ? old.filter((each) => each !== step) : [...old, step].slice(-STEPS_MAX);
  const next = new Map(ticked);
  // Deleted first, so that the incident moves to the end: the front is what is forgotten.
  next.delete(incident);
  if (steps.length > 0) next.set(incident, steps);
  return next;
}
