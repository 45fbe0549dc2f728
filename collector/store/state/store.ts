/**
 * Incidents, acknowledgements, people, audit and rule state: small, relational, never lost. One interface, one contract
 * test suite (contract.test.ts); SQLite by default. Everything that one ingest step decides is one `commit`, so a
 * crash leaves either all of it or nothing, and the watermark in it says which batches are behind it.
 */
import type { AgentStatus, CommandKind, InventoryDevice, Reply } from "@aislewatch/contract";
import type { FaultRecord, SiteCalendar } from "@aislewatch/rules";
import type { IncidentFacts } from "../../incidents/figures.ts";
import type { PastFacts, PastOf } from "../../incidents/likeness.ts";
import type { Report, ReportOptions } from "../../incidents/report.ts";
import type { Incident, IncidentEvent, IncidentState, Priority } from "../../incidents/types.ts";
import type { AttemptRecord, GroupRecord, NotificationRecord } from "../../notify/record.ts";
import type { Watermark } from "../timeseries/store.ts";
import type { ListOrder } from "./list-place.ts";
import type { EndedPage, Rewrite, Rewritten, Selection } from "./people.ts";

export type IncidentChange = {
  readonly incident: Incident;
  readonly key: string;
  readonly events: readonly IncidentEvent[];
};

/** Batches of a lane that never came, or could not be read: the ledger of what is missing, and since when. */
export type GapRecord = {
  readonly site: string;
  readonly agent: string;
  readonly epoch: string;
  readonly lane: "live" | "history";
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly at: number;
  readonly reason: string;
};

/** What became of the batches of one lane, in sums (ledger.ts). Times are Unix ms by the collector's clock. */
export type LedgerLane = {
  readonly site: string;
  readonly agent: string;
  readonly epoch: string;
  readonly lane: "live" | "history";
  /** The first seq of this account: what was before it, another collector had or these stores have lost. */
  readonly firstSeq: number;
  /** Everything from `firstSeq` up to here is accounted for. */
  readonly seq: number;
  /** The newest seq that the agent says it has written. */
  readonly announced: number;
  /** Taken once and stored; `late` of them were old when they came. */
  readonly batches: number;
  readonly late: number;
  readonly samples: number;
  /** Came again and were dropped. */
  readonly repeats: number;
  readonly thinnedBatches: number;
  readonly thinnedSamples: number;
  readonly lostBatches: number;
  readonly lastAt: number;
};

/** An epoch of which there is no account of its own any more. */
export type FoldedEpoch = { readonly site: string; readonly agent: string; readonly epoch: string };

/** What a full outbox dropped, as the agent reported it. */
export type ThinnedRecord = {
  readonly site: string;
  readonly agent: string;
  readonly epoch: string;
  readonly lane: "live" | "history";
  readonly fromSeq: number;
  readonly toSeq: number;
  /** Of the readings, by the agent's clock. */
  readonly fromAt: number;
  readonly toAt: number;
  readonly samples: number;
  readonly reason: string;
  /** When it was reported. */
  readonly at: number;
};

/** A person's explanation of missing batches. */
export type GapNote = {
  readonly site: string;
  readonly agent: string;
  readonly epoch: string;
  readonly lane: "live" | "history";
  readonly fromSeq: number;
  readonly toSeq: number;
  readonly at: number;
  readonly by: string;
  readonly text: string;
};

/** What an agent was asked to do, by whom, and what came of it. */
export type CommandRecord = {
  readonly id: string;
  readonly site: string;
  readonly agent: string;
  readonly kind: CommandKind;
  readonly device: string | null;
  readonly by: string;
  readonly issuedAt: number;
  readonly deadlineAt: number;
  /** `unanswered`: the deadline passed; whether the agent did it nobody knows. */
  readonly state: "sent" | "unanswered" | Reply["outcome"];
  readonly answeredAt: number | null;
  readonly detail: string;
};

export type PoisonRecord = {
  readonly site: string;
  readonly agent: string;
  readonly topic: string;
  readonly at: number;
  readonly reason: string;
  readonly bytes: Uint8Array;
};

export type AgentRecord = {
  readonly site: string;
  readonly agent: string;
  readonly online: boolean;
  readonly status: AgentStatus | null;
  readonly lastSeenAt: number;
  /** Greatest event time judged so far: values after it are not restored, for their batches come again. */
  readonly judgedUntil: number;
};

/** Something that a device told or that was seen of it, once: a trap, a restart, another asset in its slot. */
export type DeviceEventRecord = {
  readonly site: string;
  readonly device: string;
  readonly component: string | null;
  /** When it happened, by the collector's clock. */
  readonly at: number;
  /** A canonical fault code, `<fault>_cleared`, or what else the agent calls it. */
  readonly code: string;
  readonly detail: string;
  readonly recordedAt: number;
};

/** Events that are kept; beyond it the oldest go. One device that talks all day must not push out all others. */
export const DEVICE_EVENTS = { perDeviceMax: 200, max: 200_000 } as const;

/**
 * How far the late evaluator has come with an agent, in parts: its `state`, which changes with each batch, and each batch
 * that it keeps back until older ones have come. Only collector/late-record.ts reads `body`.
 */
export type LateRecord = {
  readonly site: string;
  readonly agent: string;
  readonly part: string;
  readonly body: string;
};

export type AttemptFilter = {
  readonly incident?: string;
  readonly channel?: string;
  readonly outcome?: AttemptRecord["outcome"];
};

export type Commit = {
  readonly watermarks?: readonly Watermark[];
  readonly faults?: readonly FaultRecord[];
  readonly incidents?: readonly IncidentChange[];
  readonly agents?: readonly AgentRecord[];
  readonly gaps?: readonly GapRecord[];
  readonly deviceEvents?: readonly DeviceEventRecord[];
  /** Their accounts go, for what is written of `ledger` has their sums; their watermarks stay. */
  readonly folded?: readonly (FoldedEpoch & { readonly at: number })[];
  /** Folded long ago: their watermarks go, too. */
  readonly forgotten?: readonly FoldedEpoch[];
  readonly ledger?: readonly LedgerLane[];
  readonly thinned?: readonly ThinnedRecord[];
  /** `body` null: there is nothing to go on with. */
  readonly late?: readonly (Omit<LateRecord, "body"> & { readonly body: string | null })[];
  /** New, or as they are now: one row for each notification and channel. */
  readonly notifications?: readonly NotificationRecord[];
  readonly attempts?: readonly AttemptRecord[];
  /** New, or as they are now; those that are closed go. */
  readonly groups?: readonly GroupRecord[];
  /** Of the incidents that change, as they are then; or of others, made again. */
  readonly facts?: readonly IncidentFacts[];
};

/** What a report is made of: incidents of this site, this kind and these priorities (as they are now), all when not given. */
export type ReportQuery = ReportOptions & {
  /** When devices of a site have to work; always, where it is not named. */
  readonly calendars?: ReadonlyMap<string, SiteCalendar> | undefined;
  readonly site?: string | undefined;
  readonly kind?: string | undefined;
  readonly priorities?: readonly Priority[] | undefined;
};

/** More people than that do not look at reports at once; a script that asks without waiting is refused. */
export const REPORTS_WAITING_MAX = 16;

export type Role = "viewer" | "operator" | "admin";
export type User = {
  readonly name: string;
  readonly role: Role;
  readonly passwordHash: string | null;
  readonly createdAt: number;
};
export type AgentCredential = { readonly site: string; readonly agent: string; readonly passwordHash: string };
export type Session = {
  readonly idHash: string;
  readonly user: string;
  readonly createdAt: number;
  readonly expiresAt: number;
};
export type ApiToken = {
  readonly name: string;
  readonly tokenHash: string;
  readonly role: Role;
  readonly createdAt: number;
};
export type LoginLink = { readonly tokenHash: string; readonly user: string; readonly expiresAt: number };
export type AuditRecord = {
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly detail: string;
};

export type IncidentFilter = {
  readonly states?: readonly IncidentState[];
  readonly priorities?: readonly Priority[];
  readonly site?: string;
  readonly device?: string;
  readonly kind?: string;
  /** Words looked for in id, title, device, rule, assignee, group and the vendor's number. */
  readonly search?: string;
  /** Only those whose fault still stands. */
  readonly unrecovered?: boolean;
  /** Only those that cured themselves so often that somebody is to find out why. */
  readonly forReview?: boolean;
  /** Only those that are consequences of this one; null: of none. */
  readonly parent?: string | null;
};

export type Placed<T, Place> = { readonly place: Place; readonly record: T };
export type CommandPlace = readonly [issuedAt: number, id: string];
export type DeviceEventPlace = readonly [at: number, number: number];

export type Pages = {
  /** Newest first. */
  audit(before: number | null, limit: number): Placed<AuditRecord, number>[];
  /** Oldest first. */
  auditAfter(after: number, limit: number): Placed<AuditRecord, number>[];
  /** Newest first; of one agent, or of all. */
  commands(
    of: { readonly site: string; readonly agent: string } | null,
    before: CommandPlace | null,
    limit: number,
  ): Placed<CommandRecord, CommandPlace>[];
  /** Newest first; of one device, or of all of a site. */
  deviceEvents(
    of: { readonly site: string; readonly device: string | null },
    before: DeviceEventPlace | null,
    limit: number,
  ): Placed<DeviceEventRecord, DeviceEventPlace>[];
  /** Of all incidents, one after the other in the order of their ids. */
  incidentEvents(
    after: readonly [incident: string, seq: number],
    limit: number,
  ): { readonly incident: string; readonly event: IncidentEvent }[];
};

export type StateStore = {
  open(): Promise<void>;
  /** All or nothing, on disk when it returns. Throws when it could not be written; nothing of it is then there. */
  commit(change: Commit): void;
  watermarks(): Watermark[];
  faults(): FaultRecord[];
  agents(): AgentRecord[];
  /** Of one device, or of all of a site: newest first, at most `limit`. */
  deviceEvents(site: string, device: string | null, limit: number): DeviceEventRecord[];
  /** Of a site, in a time, both ends in it: newest first, at most `limit`. */
  deviceEventsBetween(site: string, range: { from: number; until: number }, limit: number): DeviceEventRecord[];

  /**
   * The figures of up to millions of incidents, made in a thread of its own: one report at a time, others wait. Rejects
   * when too many wait (REPORTS_WAITING_MAX), and when it could not be read.
   */
  report(query: ReportQuery): Promise<Report>;
  /**
   * Facts of incidents that are alike or near, opened up to `untilMs`, newest first, at most `limit`: a walk along one
   * index, however long the past is.
   */
  past(of: PastOf, untilMs: number, limit: number): PastFacts[];
  /** When the first incident of all was opened; null when there never was one. */
  firstOpenedAt(): number | null;
  /** Ids after this one in their own order, at most `limit`: a walk through all that there ever were. */
  incidentIds(after: string, limit: number): string[];

  nextIncidentNumber(): number;
  incident(id: string): Incident | null;
  incidentEvents(id: string): IncidentEvent[];
  /** The last of this type in its log. */
  lastEventOf(id: string, type: IncidentEvent["type"]): IncidentEvent | null;
  /** Those of a dedupe key, ended or not, newest first. */
  incidentsOfKey(key: string, limit: number): Incident[];
  /** Those of a dedupe key that were opened after this instant, the first of them first. */
  incidentsOfKeyAfter(key: string, openedAt: number, limit: number): Incident[];
  /** Those that have not ended, by dedupe key; what the judge works on. */
  openIncidents(): { incident: Incident; key: string }[];
  /**
   * Ordered by priority, then newest first; or by id, which no write changes. `cursor` is opaque; null ends the list.
   */
  incidents(
    filter: IncidentFilter,
    page: { limit: number; cursor: string | null; order?: ListOrder },
  ): { items: Incident[]; cursor: string | null; total: number };

  /** Replaces what one agent watches. A device id that another agent of the site owns is refused: returned, not stored. */
  putInventory(site: string, agent: string, devices: readonly InventoryDevice[], at: number): { refused: string[] };
  inventory(): { site: string; agent: string; devices: InventoryDevice[] }[];

  /** Takes an agent out with its password and inventory; ledger, incidents and events of its devices stay. */
  removeAgent(site: string, agent: string, at: number): void;

  addPoison(record: PoisonRecord): void;
  poisonCount(): number;
  /** Oldest first, as are the next two. */
  gaps(): GapRecord[];
  ledger(): LedgerLane[];
  /** Those of which watermarks are kept, the one folded last at the end. */
  foldedEpochs(): FoldedEpoch[];
  thinned(): ThinnedRecord[];
  late(): LateRecord[];
  addGapNotes(notes: readonly GapNote[]): void;
  gapNotes(): GapNote[];

  /** Those that are still to be sent, in the order of writing. */
  waitingNotifications(): NotificationRecord[];
  /** One, sent or not; null when there is none, or it is not kept any more. */
  notification(id: string, channel: string): NotificationRecord | null;
  /** Sent or not, newest first; of those that were sent, or given up, the newest 50,000 of all are kept. */
  notificationsOf(incident: string, limit: number): NotificationRecord[];
  /** Newest first, of an incident, a channel, or all; the newest 100,000 are kept. */
  attempts(of: { readonly incident: string } | { readonly channel: string } | null, limit: number): AttemptRecord[];
  /** The same by any filter, a page at a time; `next` is the `before` of the next page, or null. */
  attemptPage(
    filter: AttemptFilter,
    page: { readonly limit: number; readonly before: number | null },
  ): { readonly items: AttemptRecord[]; readonly next: number | null };
  /** Groups of notifications that are not closed. */
  notificationGroups(): GroupRecord[];

  /** New, or with its outcome. The newest 1,000 are kept. */
  putCommand(command: CommandRecord): void;
  command(id: string): CommandRecord | null;
  /** Newest first; of one agent, or of all. */
  commands(filter: { site: string; agent: string } | null, limit: number): CommandRecord[];

  users(): User[];
  putUser(user: User): void;
  removeUser(name: string): boolean;
  putAgentCredential(credential: AgentCredential): void;
  /** By site and name. */
  agentCredentials(): AgentCredential[];
  agentCredential(site: string, agent: string): AgentCredential | null;
  putSession(session: Session): void;
  session(idHash: string, nowMs: number): (Session & { role: Role }) | null;
  removeSession(idHash: string): void;
  putToken(token: ApiToken): void;
  token(tokenHash: string): ApiToken | null;
  putLoginLink(link: LoginLink): void;
  /** Takes the link: a second call with it gives null. */
  takeLoginLink(tokenHash: string, nowMs: number): LoginLink | null;
  audit(record: AuditRecord): void;
  auditLog(limit: number): AuditRecord[];

  /**
   * Gives rows in which people stand to `rewrite`, and writes what it returns instead: all in one transaction, together
   * with `audit` and the document `note` (null: none). When `rewrite` returns only nulls, nothing is written.
   */
  rewritePeople(
    selection: Selection,
    rewrite: Rewrite,
    written?: { readonly audit?: AuditRecord; readonly note?: { readonly name: string; readonly text: string } },
  ): Rewritten;
  /** Ended ones, in the order of opening. */
  endedIncidents(page: EndedPage): Incident[];
  /** The same with what stands in these incidents and their logs, which then count as without names. */
  takeNamesOut(incidents: readonly string[], rewrite: Rewrite): void;
  /** They go with their logs and notifications; what reports count of them stays. */
  forgetIncidents(incidents: readonly string[]): void;
  /**
   * What was overwritten or deleted is gone from the files, too. False: a reader holds them, or the file is too big to
   * be copied while the collector runs (compactBytesMax of sqlite-file.ts); then later.
   */
  compact(): boolean;

  /** Long lists. */
  readonly pages: Pages;

  /** Small named documents, such as the last good configuration set. */
  document(name: string): string | null;
  putDocument(name: string, text: string): void;
  close(): Promise<void>;
};
