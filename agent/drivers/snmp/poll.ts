/**
 * One device's conversation over SNMP. The first poll asks who the device is and finds its profile; every poll then
 * asks for what that profile needs and for nothing else. What only says who the device is (tables of the profile that
 * carry no metric) is asked for when it is recognised, when it restarted or changed its name, and once an hour; what
 * else stays as it is, see kept.ts.
 */
import { ok, type Result } from "@aislewatch/base";
import {
  type DeviceFacts,
  hasFinding,
  matchProfile,
  type Profile,
  type ProfileOids,
  probeOids,
  profileOids,
} from "@aislewatch/devices";
import { Counters } from "../../core/counters.ts";
import { SNMP_LIMITS, type SnmpCost, type SnmpSession, type Varbinds, type WalkColumn } from "../../transport/snmp.ts";
import type { PollContext, PollError } from "../driver.ts";
import { Kept } from "./kept.ts";
import { restart, uptimeTicks } from "./parse.ts";
import { ENGINE_TIME, HOST_UPTIME, type SnmpDeviceReply, SYS_DESCR, SYS_OBJECT_ID, SYS_UPTIME } from "./types.ts";

export type OpenSession = () => Promise<Result<SnmpSession, PollError>>;

const IDENTITY_MS = 3_600_000;
const SYSTEM = [SYS_DESCR, SYS_OBJECT_ID, SYS_UPTIME];

type Known = {
  readonly profile: Profile;
  readonly plan: ProfileOids;
  /** Which of the profile's signs were seen. */
  readonly why: string;
  /** What sysObjectID and sysDescr were when it was recognised. */
  readonly who: string;
  readonly identity: Varbinds;
  readonly identityAt: number;
  readonly kept: Kept;
};

export class SnmpPoll {
  readonly #open: OpenSession;
  readonly #profiles: readonly Profile[];
  /** Named in the configuration; null to find it. */
  readonly #chosen: Profile | null;
  #session: SnmpSession | null = null;
  #known: Known | null = null;
  #before: SnmpDeviceReply["before"] = null;
  readonly #counters = new Counters();
  #closed = false;
  #facts: DeviceFacts = { sysObjectID: "", sysDescr: "" };
  #cost: SnmpCost = { requests: 0, values: 0, cut: [] };

  constructor(open: OpenSession, profiles: readonly Profile[], chosen: Profile | null) {
    this.#open = open;
    this.#profiles = profiles;
    this.#chosen = chosen;
  }

  get profile(): Profile | null {
    return this.#known?.profile ?? this.#chosen;
  }

  async poll({ signal, timeoutMs, nowMs }: PollContext): Promise<Result<SnmpDeviceReply, PollError>> {
    const session = await this.#connect();
    if (!session.ok) return session;
    session.value.begin(signal, timeoutMs);
    const reply = await this.#ask(session.value, nowMs);
    this.#cost = session.value.cost();
    if (!reply.ok) {
      // A new session forgets what this one believed of the device: its address, its engine, its clock.
      this.#disconnect();
      // And what was kept of it: behind a silence there may be another device.
      this.#known?.kept.forget();
      return reply;
    }
    const ticks = uptimeTicks(reply.value.varbinds);
    this.#before = ticks === null ? null : { at: nowMs, uptimeTicks: ticks };
    return reply;
  }

  /** Why it has its profile, what the last poll cost, and which tables it did not read to their end. */
  about(): readonly (readonly [string, string])[] {
    const known = this.#known;
    const { requests, values, cut } = this.#cost;
    const tables = Object.entries(known?.profile.tables ?? {})
      .filter(([, { columns }]) => Object.values(columns).some((oid) => cut.includes(oid)))
      .map(([name, { max_rows }]) => `${name} has more than ${max_rows} rows`);
    return [
      ...(known === null ? [] : [["recognised", known.why] as const]),
      ["asked", `${requests} request${requests === 1 ? "" : "s"}, ${values} values came`],
      ...(tables.length === 0
        ? []
        : [
            [
              "cut short",
              `${tables.join(", ")}, or the poll has more than ${SNMP_LIMITS.valuesPerPollMax} values`,
            ] as const,
          ]),
    ];
  }

  close(): void {
    this.#closed = true;
    this.#disconnect();
  }

  async #connect(): Promise<Result<SnmpSession, PollError>> {
    if (this.#session !== null) return ok(this.#session);
    const opened = await this.#open();
    if (!opened.ok) return opened;
    // While a slow name server was asked, a later poll may have got further, or the agent may have stopped.
    if (this.#closed || this.#session !== null) opened.value.close();
    this.#session ??= opened.value;
    return ok(this.#session);
  }

  #disconnect(): void {
    this.#session?.close();
    this.#session = null;
  }

  async #ask(session: SnmpSession, nowMs: number): Promise<Result<SnmpDeviceReply, PollError>> {
    // When the profile is known, what identifies the device comes along with the rest.
    const gets = this.#known?.plan.gets ?? [];
    const scalars = await session.get([...new Set([...SYSTEM, ...gets])]);
    if (!scalars.ok) return scalars;
    const known = await this.#recognise(session, scalars.value, nowMs);
    if (!known.ok) return known;
    this.#known = known.value;
    const { plan, profile, identity, kept } = known.value;
    const missing = plan.gets.filter((oid) => !gets.includes(oid) && !SYSTEM.includes(oid));
    const fell = (uptimeTicks(scalars.value) ?? 0) < (this.#before?.uptimeTicks ?? 0);
    const more = await session.get(fell ? [...new Set([...missing, ENGINE_TIME, HOST_UPTIME])] : missing);
    if (!more.ok) return more;
    const rows = await walkTables(session, kept);
    if (!rows.ok) return rows;
    const varbinds = { ...scalars.value, ...more.value, ...identity, ...rows.value };
    const reply = { at: nowMs, profile: profile.name, before: this.#before, varbinds };
    const carried = this.#counters.follow(varbinds, fell && restart(reply) !== null);
    return ok({ ...reply, ...(Object.keys(carried).length > 0 && { carried }) });
  }

  /** Who the device is: as before, unless its name changed, it restarted, or it is time to look again. */
  async #recognise(session: SnmpSession, system: Varbinds, nowMs: number): Promise<Result<Known, PollError>> {
    const facts = { sysObjectID: textAt(system, SYS_OBJECT_ID), sysDescr: textAt(system, SYS_DESCR) };
    const who = JSON.stringify(facts);
    const known = this.#known;
    const restarted = (uptimeTicks(system) ?? 0) < (this.#before?.uptimeTicks ?? 0);
    if (known !== null && known.who === who && !restarted && nowMs - known.identityAt < IDENTITY_MS) return ok(known);
    const profile = this.#chosen === null ? await this.#match(session, facts) : ok(this.#chosen);
    if (!profile.ok) return profile;
    const plan = profileOids(profile.value, facts.sysObjectID);
    const identity = await session.walk(columnsOf(plan.walks.filter(({ identityOnly }) => identityOnly)));
    if (!identity.ok) return identity;
    const why = this.#chosen === null ? whyMatched(profile.value, this.#facts) : "by the configuration";
    const kept = new Kept(
      plan.walks.filter(({ identityOnly }) => !identityOnly),
      (table, varbinds) => hasFinding(profile.value, table, { at: nowMs, varbinds: { ...system, ...varbinds } }),
      known?.who === who ? known.kept : null,
    );
    return ok({ profile: profile.value, plan, why, who, identity: identity.value, identityAt: nowMs, kept });
  }

  async #match(session: SnmpSession, facts: DeviceFacts): Promise<Result<Profile, PollError>> {
    const present = await session.present(probeOids(this.#profiles));
    if (!present.ok) return present;
    this.#facts = { ...facts, present: present.value };
    const profile = matchProfile(this.#profiles, this.#facts);
    if (profile !== null) return ok(profile);
    const detail = `no profile fits ${facts.sysObjectID || "a device without sysObjectID"}`;
    return { ok: false, error: { kind: "config", detail, hint: "name one with profile:" } };
  }
}

async function walkTables(session: SnmpSession, kept: Kept): Promise<Result<Varbinds, PollError>> {
  const first = kept.atOnce();
  const rows = await session.walk(first);
  if (!rows.ok) return rows;
  const then = kept.onTop(rows.value);
  const more = then.length === 0 ? ok({}) : await session.walk(then);
  return more.ok ? ok(kept.complete({ ...rows.value, ...more.value }, [...first, ...then])) : more;
}

/** The entries of a profile's `match` that fit, as they are written. */
function whyMatched(profile: Profile, facts: DeviceFacts): string {
  const fits = profile.match.filter((entry) => matchProfile([{ ...profile, match: [entry] }], facts) !== null);
  const texts = fits.map((entry) =>
    Object.entries(entry)
      .map(([sign, wanted]) => `${sign} ${wanted}`)
      .join(" and "),
  );
  return texts.join(", ");
}

/** Each column once, however many tables share it, with the most rows that any of them wants. */
function columnsOf(walks: ProfileOids["walks"]): WalkColumn[] {
  const rows = new Map<string, number>();
  for (const { columns, maxRows } of walks) {
    for (const oid of columns) rows.set(oid, Math.max(maxRows, rows.get(oid) ?? 0));
  }
  return [...rows].map(([oid, rowsMax]) => ({ oid, rowsMax }));
}

function textAt(varbinds: Varbinds, oid: string): string {
  return String(varbinds[oid]?.value ?? "");
}
