/** What a map needs of a device: one read for each run of registers that lie side by side, and nothing in between. */
import { MODBUS_LIMITS, type ModbusTable, type Register, type RegisterMap } from "./modbus-map.ts";
import { objectKey, SERVER_ID_KEY, spoken } from "./modbus-map-file.ts";
import { type Expression, IDENTITY, type Profile } from "./profile.ts";
import { profileOids } from "./profile-plan.ts";

export type ModbusBlock = {
  /** `holding:109+7`: the table, the first address on the wire, how many. */
  readonly name: string;
  readonly table: ModbusTable;
  readonly address: number;
  readonly count: number;
  /** `state` at each poll; `wear` now and then; `identity` until it is known. */
  readonly role: "state" | "wear" | "identity";
  /** The names of the map's registers in it. */
  readonly registers: readonly string[];
};

export type ModbusPlan = {
  readonly blocks: readonly ModbusBlock[];
  /** Is "read device identification" (43/14) asked, is "report server ID" (17)? */
  readonly deviceId: boolean;
  readonly serverId: boolean;
};

export function modbusPlan(map: RegisterMap): ModbusPlan {
  const measured = measuredKeys(map.profile);
  const blocks = (["state", "wear", "identity"] as const).flatMap((role) => {
    const ofRole = Object.entries(map.registers).filter(
      ([name, register]) => roleOf(name, register, measured) === role,
    );
    return runs(ofRole, map).map((run): ModbusBlock => blockOf(run, role));
  });
  const identity = IDENTITY.flatMap((part) => map.profile.identity[part] ?? []).map(({ oid }) => oid);
  return {
    blocks,
    deviceId: identity.some((oid) => oid?.startsWith(objectKey(0).slice(0, -1))),
    serverId: identity.includes(SERVER_ID_KEY),
  };
}

/** A register's address as its map writes it. */
export const spokenRegister = (
  { notation }: RegisterMap,
  { table, address }: { table: ModbusTable; address: number },
): string => spoken(notation, table, address);

function measuredKeys(profile: Profile): ReadonlySet<string> {
  const metrics: Readonly<Record<string, Expression>>[] = [profile.metrics];
  for (const table of Object.values(profile.tables)) metrics.push(table.metrics);
  const bare = { ...profile, identity: {}, metrics: {}, tables: {} };
  const keys = metrics.flatMap((some) => profileOids({ ...bare, metrics: some }, "").gets);
  return new Set(keys.map((key) => key.replace(/^register:/, "").replace(/#\d+$/, "")));
}

function roleOf(name: string, { slow }: Register, measured: ReadonlySet<string>): ModbusBlock["role"] {
  if (!measured.has(name)) return "identity";
  return slow ? "wear" : "state";
}

type Named = readonly [name: string, register: Register];

/** Runs without a gap larger than the device takes, none longer than one reply may be; a value is never torn. */
function runs(registers: readonly Named[], { readMax, readGap }: RegisterMap): Named[][] {
  const sorted = registers.toSorted(
    ([, a], [, b]) => a.table.localeCompare(b.table) || a.address - b.address || b.length - a.length,
  );
  const made: Named[][] = [];
  for (const entry of sorted) {
    const [, register] = entry;
    const run = made.at(-1);
    const [, first] = run?.[0] ?? [];
    const most = register.type === "bit" ? MODBUS_LIMITS.bitsMax : readMax;
    const joins =
      run !== undefined &&
      first?.table === register.table &&
      register.address <= endOf(run) + readGap &&
      register.address + register.length - first.address <= most;
    if (joins) run.push(entry);
    else made.push([entry]);
  }
  return made;
}

/** The first address behind a run. */
const endOf = (run: readonly Named[]): number => Math.max(...run.map(([, { address, length }]) => address + length));

function blockOf(run: readonly Named[], role: ModbusBlock["role"]): ModbusBlock {
  const [, first] = run[0] ?? [];
  const address = first?.address ?? 0;
  const table = first?.table ?? "holding";
  const count = endOf(run) - address;
  return { name: `${table}:${address}+${count}`, table, address, count, role, registers: run.map(([name]) => name) };
}
