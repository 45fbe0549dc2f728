/**
 * When a region goes dark every incident escalates at once, and the one who is on duty reads none of a hundred messages.
 * Beyond so many escalations of a chain within so long, single notices become one summary a minute that lists all of
 * them. Nothing is dropped: each incident has its `escalated` event, and stands in one summary.
 */

import type { EscalatedBody } from "./incidents/escalation.ts";
import type { Storm } from "./incidents/escalation-policy.ts";
import type { Incident } from "./incidents/types.ts";
import { type Notifier, noticeId, type StormItem } from "./notifier.ts";

/** A summary waits so long for what else comes. */
export const SUMMARY_MS = 60_000;
/** Incidents named in one summary; what is more gets another one. */
export const SUMMARY_ITEMS_MAX = 500;

export type Escalation = {
  /** With the event that says so as its last. */
  readonly incident: Incident;
  readonly body: EscalatedBody;
  readonly to: readonly string[];
  readonly storm: Storm;
};

export type Storms = {
  /** Tells of a step of a chain: by itself, or in a summary. */
  tell(escalation: Escalation, now: number): void;
  /** One of before the start, so that a restart in a storm is not the end of it. In any order. */
  remember(chain: string, at: number): void;
};

type Summary = { readonly id: string; readonly closesAt: number; to: readonly string[]; items: readonly StormItem[] };

/** Times that are remembered of a chain at a start; a storm is counted in hundreds. */
const REMEMBERED_MAX = 10_000;

export function createStorms(notifier: Notifier): Storms {
  /** Times of the last escalations by chain, oldest first; never more than its limit asks for. */
  const times = new Map<string, number[]>();
  const summaries = new Map<string, Summary>();

  function isStorm(chain: string, { moreThan, withinMs }: Storm, now: number): boolean {
    const recent = (times.get(chain) ?? []).filter((at) => at > now - withinMs);
    times.set(chain, [...recent, now].slice(-moreThan - 1));
    return recent.length >= moreThan;
  }

  function summarize({ incident, body, to }: Escalation, chain: string, now: number): void {
    const item: StormItem = {
      incident: incident.id,
      title: incident.title,
      site: incident.subject.site,
      priority: incident.priority,
      tier: body.tier,
      why: body.why,
      stands: noticeId(incident.id, incident.version),
    };
    let summary = summaries.get(chain);
    if (summary === undefined || now >= summary.closesAt || summary.items.length >= SUMMARY_ITEMS_MAX) {
      // Named by its first, so that one after a restart does not take the place of one before.
      summary = { id: `storm/${item.stands}`, closesAt: now + SUMMARY_MS, to: [], items: [] };
      summaries.set(chain, summary);
    }
    summary.items = [...summary.items, item];
    summary.to = [...new Set([...summary.to, ...to])];
    const { id, closesAt, items } = summary;
    notifier.tell({ id, notBefore: closesAt, to: summary.to, about: "storm", chain, incident, items });
  }

  return {
    tell(escalation, now) {
      const { incident, body, to, storm } = escalation;
      const { policy: chain, step, tier, kind, why } = body;
      if (chain !== null && isStorm(chain, storm, now)) {
        summarize(escalation, chain, now);
        return;
      }
      const id = noticeId(incident.id, incident.version);
      notifier.tell({ id, notBefore: now, to, about: "escalated", incident, chain, step, tier, kind, why });
    },

    remember(chain, at) {
      const known = times.get(chain) ?? [];
      const index = known.findLastIndex((other) => other <= at) + 1;
      times.set(chain, known.toSpliced(index, 0, at).slice(-REMEMBERED_MAX));
    },
  };
}
