/** What a person may do to an incident, by its state; the collector has the last word (422). */
import type { Incident, ResolutionCode } from "../api/types.ts";

export type ActionName =
  | "acknowledge"
  | "assign"
  | "start"
  | "hold"
  | "resume"
  | "resolve"
  | "reopen"
  | "close"
  | "review"
  | "priority"
  | "merge"
  | "split"
  | "cancel";

/** Open to all that is worked on, after what usually comes next. */
const RARE: readonly ActionName[] = ["priority", "merge", "cancel"];

const ALLOWED: Readonly<Record<Incident["state"], readonly ActionName[]>> = {
  new: ["acknowledge", "assign", "start", "hold", "resolve", ...RARE],
  acknowledged: ["start", "assign", "hold", "resolve", ...RARE],
  in_progress: ["hold", "assign", "resolve", ...RARE],
  on_hold: ["resume", "assign", "resolve", ...RARE],
  resolved: ["reopen", "close"],
  closed: [],
  cancelled: [],
  merged: ["split"],
};

export function actionsOf({ state, review }: Incident): readonly ActionName[] {
  const allowed = ALLOWED[state];
  return review !== null && state !== "closed" && state !== "cancelled" ? ["review", ...allowed] : allowed;
}

/** Finished records take no more notes. */
export const takesNotes = (incident: Incident): boolean =>
  !["closed", "cancelled"].includes(incident.state) && !(incident.state === "merged" && incident.closedAt !== null);

/** Of one that is merged, people work through the steps of the one that took it. */
export const takesTicks = (incident: Incident): boolean => !["closed", "cancelled", "merged"].includes(incident.state);

/** While the fault still fires, resolving it needs a reason in words. */
export const needsReason = (incident: Incident): boolean => incident.recoveredAt === null;

/** The codes that a person picks; the collector alone uses the two for removed rules and devices. */
export const RESOLUTION_CODES = {
  consumable_replaced: "Consumable replaced",
  cleaned: "Cleaned",
  reseated: "Reseated or closed",
  restarted: "Restarted",
  reconfigured: "Reconfigured",
  swapped: "Device swapped",
  rma: "Sent in for repair",
  network: "Network restored",
  power: "Power restored",
  upstream: "Cause elsewhere, solved there",
  user_handling: "Handling by staff",
  self_recovered: "Recovered by itself",
  false_positive: "False alarm",
  duplicate: "Duplicate",
  no_fault_found: "No fault found",
} as const satisfies Partial<Record<ResolutionCode, string>>;

export const HOLD_REASONS = {
  awaiting_vendor: "The vendor",
  awaiting_part: "A part",
  awaiting_site_access: "Access to the site",
  awaiting_change: "A change",
  awaiting_caller: "An answer of the site",
} as const satisfies Record<Exclude<NonNullable<Incident["holdReason"]>, "unlisted">, string>;

export type HoldReason = keyof typeof HOLD_REASONS;

export const isHoldReason = (reason: string): reason is HoldReason => Object.hasOwn(HOLD_REASONS, reason);

export const holdReasonText = (reason: NonNullable<Incident["holdReason"]>): string =>
  reason === "unlisted" ? "waits" : `waits for ${lowerFirst(HOLD_REASONS[reason])}`;

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

export const CANCEL_CODES = {
  false_positive: "False alarm",
  duplicate: "Duplicate",
  test: "A test",
} as const;
export const isCancelCode = (code: string): code is keyof typeof CANCEL_CODES => Object.hasOwn(CANCEL_CODES, code);

export const TIERS = {
  0: "The collector itself",
  1: "NOC",
  2: "Field support",
  3: "Engineering",
  4: "Vendor",
} as const;
export const isTier = (tier: number): tier is keyof typeof TIERS => Object.hasOwn(TIERS, tier);
export const tierTitle = (tier: number): string => (isTier(tier) ? TIERS[tier] : "unknown");

export type PickedCode = keyof typeof RESOLUTION_CODES;

export const isPickedCode = (code: string): code is PickedCode => Object.hasOwn(RESOLUTION_CODES, code);
