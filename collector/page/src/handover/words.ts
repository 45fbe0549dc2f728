/** Words that the incident's page and its hand-over share. Pure. */
import type { Hardware } from "../api/types.ts";
import { plural } from "../ui/format.ts";

/** `until 2027-02-28`, `ends in 11 days, 2026-12-01`, `over since 2026-11-01`. */
export function warrantyText({ until, state, days }: NonNullable<Hardware["warranty"]>): string {
  if (state === "over") return `over since ${until}`;
  if (state === "valid") return `until ${until}`;
  return days === 0 ? `ends today, ${until}` : `ends in ${plural(days, "day")}, ${until}`;
}

/** On the average of a device, as many figures as it is worth. */
export function expectedText(expected: number): string {
  if (expected === 0) return "none";
  if (expected < 0.1) return "less than 0.1 each";
  return `${expected >= 10 ? Math.round(expected) : expected.toFixed(1)} each`;
}
