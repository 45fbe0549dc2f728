/**
 * The tables of the state store as Kysely sees them; migrations.ts makes them. Times are Unix ms in bigint columns,
 * booleans are 0 and 1, and records that only this program reads are JSON in `body`, with the columns beside it that
 * queries filter and sort by. Everything is portable between SQLite and PostgreSQL.
 */
import type { Generated } from "kysely";

type Flag = 0 | 1;
type LaneColumns = { site: string; agent: string; epoch: string; lane: string };

export type Tables = {
  watermarks: LaneColumns & { seq: number };
  /** `device` and `component` are empty where the subject has none: they are part of the key. */
  faults: { site: string; device: string; component: string; rule: string; body: string };
  incidents: {
    id: string;
    key: string;
    site: string;
    device: string | null;
    /** Of the device when the incident was opened; filled in later when its inventory came later. */
    kind: string | null;
    state: string;
    /** Has not ended (incidents/log.ts). */
    is_open: Flag;
    recovered: Flag;
    priority: string;
    opened_at: number;
    for_review: Flag;
    /** The names of people in its log have been replaced, for it ended long ago. */
    names_out: Generated<Flag>;
    parent: string | null;
    /** What `search` looks in, in lower case. */
    words: string;
    body: string;
  };
  /** One for each incident (incidents/figure-facts.ts), in the order of opening; facts-row.ts says what `marks` are. */
  incident_facts: {
    opened_at: number;
    incident: string;
    done_at: number | null;
    site: string;
    slot: string | null;
    kind: string | null;
    vendor: string | null;
    model: string | null;
    rule: string;
    code: string | null;
    marks: number;
    restored_at: number | null;
    detect_ms: number | null;
    acknowledge_ms: number | null;
    restore_ms: number | null;
    resolve_ms: number | null;
    resolve_unpaused_ms: number | null;
    penalty_cents: number | null;
    currency: string | null;
    /** Null in rows of before they were kept, until they are made again. */
    category: string | null;
    component: string | null;
    serial: string | null;
    /** facts-row.ts says what they are; null as those above. */
    signals: number | null;
    life_ms: number | null;
    /** Of fact_slots: of a million names a report has no time to tell which are the same. */
    slot_no: number | null;
  };
  fact_slots: { id: Generated<number>; slot: string };
  incident_events: { incident: string; seq: number; at: number; type: string; body: string };
  agents: {
    site: string;
    agent: string;
    online: Flag;
    status: string | null;
    last_seen_at: number;
    judged_until: number;
  };
  gaps: LaneColumns & { id: Generated<number>; from_seq: number; to_seq: number; at: number; reason: string };
  /** In the order of folding: `at` is when something was heard of them last. */
  folded_epochs: { site: string; agent: string; epoch: string; at: number };
  ledger: LaneColumns & {
    first_seq: number;
    seq: number;
    announced: number;
    batches: number;
    late: number;
    samples: number;
    repeats: number;
    thinned_batches: number;
    thinned_samples: number;
    lost_batches: number;
    last_at: number;
  };
  thinned: LaneColumns & {
    id: Generated<number>;
    from_seq: number;
    to_seq: number;
    from_at: number;
    to_at: number;
    samples: number;
    reason: string;
    at: number;
  };
  gap_notes: LaneColumns & {
    id: Generated<number>;
    from_seq: number;
    to_seq: number;
    at: number;
    by_whom: string;
    text: string;
  };
  late: { site: string; agent: string; part: string; body: string };
  /** `id` keeps the order of writing; a notification to one channel is one row. */
  notifications: {
    id: Generated<number>;
    notification: string;
    channel: string;
    incident: string;
    state: string;
    body: string;
  };
  notification_attempts: {
    id: Generated<number>;
    notification: string;
    channel: string;
    incident: string;
    outcome: string;
    body: string;
  };
  notification_groups: { id: string; body: string };
  commands: { id: string; issued_at: number; site: string; agent: string; state: string; body: string };
  poison: {
    id: Generated<number>;
    site: string;
    agent: string;
    topic: string;
    at: number;
    reason: string;
    bytes: Uint8Array;
  };
  device_events: {
    id: Generated<number>;
    site: string;
    device: string;
    component: string | null;
    at: number;
    code: string;
    detail: string;
    recorded_at: number;
  };
  inventories: { site: string; agent: string; at: number };
  devices: { site: string; id: string; agent: string; position: number; kind: string; body: string };
  /** A device in its slot, from one inventory that named it to one that did not (device-spans.ts). */
  device_spans: {
    id: Generated<number>;
    site: string;
    device: string;
    /** Unix ms; `until` null: it is there. */
    since: number;
    until: number | null;
    kind: string;
    vendor: string | null;
    model: string | null;
    serial: string | null;
  };
  agent_credentials: { site: string; agent: string; password_hash: string };
  users: { name: string; role: string; password_hash: string | null; created_at: number };
  sessions: { id_hash: string; user_name: string; created_at: number; expires_at: number };
  tokens: { name: string; token_hash: string; role: string; created_at: number };
  login_links: { token_hash: string; user_name: string; expires_at: number };
  audit: { id: Generated<number>; at: number; actor: string; action: string; detail: string };
  documents: { name: string; body: string };
  counters: { name: string; value: number };
  schema_version: { version: number };
};
