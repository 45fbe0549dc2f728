/** OIDs that begin with `$` stand below the device's own sysObjectID. */
import type { Profile } from "./profile.ts";

const BOUND_MAX = 64;
/** The last few devices' profiles: a profile is bound once for a device, not once for a poll. */
const bound = new WeakMap<Profile, Map<string, Profile>>();

export function boundTo(profile: Profile, sysObjectID: string): Profile {
  // Without one there is nothing below it: 0.0 is what agents say that have none.
  const root = sysObjectID.replace(/^\./, "") || "0.0";
  const known = bound.get(profile) ?? new Map<string, Profile>();
  const done = known.get(root);
  if (done !== undefined) return done;
  if (known.size >= BOUND_MAX) known.clear();
  const made = replaced(profile, root);
  bound.set(profile, known.set(root, made));
  return made;
}

/** The same structure with every text that begins with `$.` below `root`; a `$` that begins a pattern matches nothing. */
function replaced<T>(value: T, root: string): T;
function replaced(value: unknown, root: string): unknown {
  if (typeof value === "string") return value.startsWith("$.") ? `${root}${value.slice(1)}` : value;
  if (Array.isArray(value)) return value.map((item: unknown) => replaced(item, root));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]: [string, unknown]) => [key, replaced(item, root)]));
}
