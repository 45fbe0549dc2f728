/**
 * What each key of a rule file means, for docs/rules-reference.md. The types hold the lists to the schemas: a key that
 * is added there and not here does not compile.
 */
import type { WrittenFile, WrittenRule } from "./file.ts";
import type { RuleTest } from "./trial-file.ts";
import { RecentReadings, WINDOW_LATE_MAX_MS } from "./window.ts";

export type RuleKey = {
  readonly type: string;
  readonly meaning: string;
  /** What holds when it is left out; null when it must stand. */
  readonly default: string | null;
};

const key = (type: string, meaning: string, otherwise: string | null = null): RuleKey => ({
  type,
  meaning,
  default: otherwise,
});

export const FILE_KEYS: Readonly<Record<keyof WrittenFile, RuleKey>> = {
  group: key("id", "Name of the file's group, for people"),
  select: key("CEL", "Which devices the rules look at that say nothing else", "`true`, all"),
  rules: key("list", "One or more rules"),
};

export const RULE_KEYS: Readonly<Record<keyof WrittenRule, RuleKey>> = {
  id: key("id", "Unique over all files of the set; a part of the incident's key, so a new id is another fault"),
  title: key(
    "text",
    'What the incident is called; `{{metric}}`, `{{vars.x}}`, `{{device}}`, `{{component}}`, `{{site}}`, `{{failed("pos_terminal")}}`',
  ),
  select: key(
    "CEL",
    'Which devices, over the inventory: `kind == "ups" && labels.zone == "dock"`; one that never reported is judged too',
    "the file's",
  ),
  scope: key(
    "`device`, `component`, `site`",
    "What is judged: a device, each part of it for itself, a site",
    "`device`",
  ),
  on: key("`reading`, `event`", "Whether readings are judged or events counted", "`reading`"),
  when: key("condition", "The condition, of a rule with one level", "`raise` says it"),
  for: key("duration", "How long it must hold without a break; unknown stops the clock", "`0s`"),
  severity: key("`info`, `minor`, `major`, `critical`", "How bad it is, of a rule with one level", "`raise` says it"),
  raise: key(
    "levels",
    "Several levels: `raise: { minor: { when: …, for: 5m }, major: { when: … } }`",
    "`when` says it",
  ),
  clear: key(
    "`{ when, for }`",
    "Its own condition and time for being over; of a rule over events `{ code, after }`",
    "no level is raised, at once",
  ),
  code: key("fault code, or a list", "Which events, with `on: event`", "must stand there"),
  count: key("1 to 100", "How many events within `within` fire, with `on: event`", "`1`"),
  within: key("duration", "In what time `count` events count", "`10m`"),
  keep: key("duration", "Fires at least this long after the condition ended", "`0s`"),
  missing: key(
    "`hold`, `ok`, `raise`, `{ then, after }`",
    "What a condition that stays unknown means in the end, and after how long",
    "`hold`; `after: 10m`",
  ),
  flap: key(
    "`{ enter, within, quiet }`",
    "Fires so often within so long: one flapping fault, until it was quiet so long",
    "never flaps",
  ),
  active_in: key(
    "`always`, `trading_hours`, a calendar",
    "When it calls people; it is judged at all times",
    "`always`",
  ),
  depends_on: key(
    "`all`, `none`, kinds",
    "Which kinds above the device in its own dependency tree suppress it while they are down",
    "`all`",
  ),
  absorbs: key(
    "rule ids",
    "Narrower faults below the same site or device that are put down to this one while it fires",
    "none",
  ),
  category: key(
    "`hardware`, `consumable`, `network`, `power`, `software`, `environment`, `process`",
    "What kind of fault it is",
  ),
  tier: key("0 to 4", "Who takes it first", "`1`"),
  auto_close: key("duration, `never`", "Closes by itself so long after it recovered", "`never`: a person reviews it"),
  runbook: key("`kind/fault`", "`label-printer/media-out` is `rules/runbooks/label-printer/media-out.md`", "none"),
  vars: key("names and values", "Constants that conditions read as `vars.x`; overrides.yaml may say others", "none"),
  mode: key("`live`, `shadow`", "`shadow`: judged and shown, opens nothing and pages nobody", "`live`"),
  tests: key("list", "Series and what must come of them", "none"),
};

export const TEST_KEYS: Readonly<Record<keyof RuleTest, RuleKey>> = {
  name: key("text", "What it shows"),
  step: key("duration", "Time between polls; the device's interval"),
  with: key(
    "rule ids and files, `file`",
    "Rules that are loaded beside the test's own: by id, all of a file by its name (`network.yaml`), or `file`, the others of its own",
    "the rule alone",
  ),
  series: key(
    "by metric",
    "`40x4 12x20 _x30`: value and how often; `_` is a poll that did not bring it, `~` before a value: it came late, `=`: twice, `!`: afterwards",
    "none",
  ),
  device: key("`{ kind, labels }`", "What the device is", "the first kind that is selected"),
  component: key("id", "The part that a rule with `scope: component` is tried on", "the first of `components`"),
  components: key("by part", "Series of parts", "none"),
  parents: key(
    "by id",
    'What the device depends on, each the next or `depends_on`: `{ sw: { kind: network_switch, down: [[2m, 10m]] } }`, or poll by poll `up: "1x4 0x6"`',
    "none",
  ),
  devices: key("by id", "Further devices of the site: `{ kind, labels, depends_on, series }`", "none"),
  site: key(
    "`{ tz, hours, closed, start }`",
    "The site's time zone, its hours (`mon-sat 08:00-20:00`), days on which it is closed, and the local time at which the test begins (`2026-11-20T07:30`)",
    "UTC, no hours",
  ),
  maintenance: key("spans", "Planned work at the site: `[[2m, 10m]]`", "none"),
  events: key(
    "list",
    "What the device tells, once each, for rules with `on: event`: `{ at, code, detail, component }`",
    "none",
  ),
  expect: key(
    "list",
    "`{ at, state, severity, suppressed, stale, flapping, maintenance, inactive_hours }` at times (`end`: after the last value), of another `rule`, `device` or `component` where these are named; and totals `{ incidents, pages, afterwards }`, of another `rule` or of `all`. `suppressed` is yes or no, or what by: a device, a rule, `agent`",
  ),
};

/** What a window keeps of a series that is read every so often, once it is full. */
export function windowBytes(spanMs: number, everyMs: number): number {
  const readings = new RecentReadings(spanMs, 3 * everyMs);
  const untilMs = 1.5 * Math.max(spanMs, WINDOW_LATE_MAX_MS);
  for (let at = 0; at <= untilMs; at += everyMs) readings.push(at, at);
  return readings.bytes;
}
