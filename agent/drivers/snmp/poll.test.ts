/** What is kept between polls changes nothing of what they say: every recording, as a device that is polled for a while. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { err, ok } from "@aislewatch/base";
import { loadBuiltinProfiles, type SnmpReply, type SnmpValue } from "@aislewatch/devices";
import { describe, expect, it } from "vitest";
import { parseRecording } from "../../core/recording.ts";
import type { SnmpSession, WalkColumn } from "../../transport/snmp.ts";
import { GATED_POLLS_MAX } from "./kept.ts";
import { parse } from "./parse.ts";
import { SnmpPoll } from "./poll.ts";
import { replaySession } from "./replay.ts";
import { SYS_UPTIME } from "./types.ts";

const AT = 1_700_000_000_000;
const profiles = loadBuiltinProfiles();
const folder = fileURLToPath(new URL("../../../../shared/devices/snmprec/", import.meta.url));
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".snmprec")) : [];
if (files.length === 0) console.warn("no recordings in ../shared/devices: repeated polls were not tried on them");

/** A poller of what `device` says at the time, null for nothing, and the columns that each of its polls walked. */
function polled(device: () => SnmpReply | null) {
  const walks: string[][] = [];
  const now = (): SnmpSession => replaySession(device() ?? { at: AT, varbinds: {} });
  let cut: readonly string[] = [];
  const session = (): SnmpSession => ({
    ...now(),
    cost: () => ({ requests: 1, values: 1, cut }),
    get: async (oids) => (device() === null ? err({ kind: "timeout", detail: "silence" }) : now().get(oids)),
    present: (oids) => now().present(oids),
    walk(columns: readonly WalkColumn[]) {
      walks.at(-1)?.push(...columns.map(({ oid }) => oid));
      const one = now();
      const walked = one.walk(columns);
      ({ cut } = one.cost());
      return walked;
    },
  });
  const poll = new SnmpPoll(async () => ok(session()), profiles, null);
  return {
    walks,
    about: () => Object.fromEntries(poll.about()),
    async read(nowMs: number) {
      walks.push([]);
      const reply = await poll.poll({ signal: AbortSignal.timeout(10_000), timeoutMs: 10_000, nowMs });
      if (!reply.ok) throw new Error(reply.error.detail);
      const parsed = parse(reply.value, { profiles, kind: poll.profile?.kind ?? "host" });
      if (!parsed.ok) throw new Error(parsed.error.detail);
      return parsed.value;
    },
  };
}

describe.skipIf(files.length === 0 && process.env["CI"] === undefined)("a recorded device that is polled again", () => {
  it.each(files)("%s says the same at every poll, and is asked for no more", async (name) => {
    const read = parseRecording(readFileSync(folder + name, "latin1"), AT);
    if (!read.ok) throw new Error(read.error);
    const { recording } = read.value;
    const device = polled(() => recording);
    const first = await device.read(AT);
    for (let n = 1; n <= GATED_POLLS_MAX + 2; n++) expect(await device.read(AT)).toEqual(first);
    const [all = [], ...later] = device.walks;
    for (const columns of later) expect(all).toEqual(expect.arrayContaining(columns));
  });
});

describe("a device that was polled before", () => {
  const IMPRESSIONS = "1.3.6.1.2.1.43.10.2.1.4.1.1";
  const TRAY = "1.3.6.1.2.1.43.8.2.1";
  const printer = (name: string, upTicks: number, calls = "A printer"): SnmpReply => {
    const varbinds: Record<string, SnmpValue> = {
      "1.3.6.1.2.1.1.1.0": { type: "text", value: calls },
      "1.3.6.1.2.1.1.2.0": { type: "oid", value: "1.3.6.1.4.1.99999.1" },
      [SYS_UPTIME]: { type: "ticks", value: upTicks },
      [`${TRAY}.9.1.1`]: { type: "integer", value: 500 },
      [`${TRAY}.10.1.1`]: { type: "integer", value: 250 },
      [`${TRAY}.13.1.1`]: { type: "text", value: name },
    };
    return { at: AT, varbinds };
  };

  it.each([
    { name: "restarted", change: { upTicks: 100, laterMs: 60_000 }, want: "tray-lower" },
    { name: "was not looked at for an hour", change: { upTicks: 999_000, laterMs: 3_600_000 }, want: "tray-lower" },
    {
      name: "is called something else",
      change: { upTicks: 12_000, laterMs: 60_000, calls: "Another printer" },
      want: "tray-lower",
    },
    { name: "goes on", change: { upTicks: 12_000, laterMs: 60_000 }, want: "tray-upper" },
  ])("$name: its tray is called $want", async ({ change, want }) => {
    let now = printer("Upper", 6_000);
    const device = polled(() => now);
    await device.read(AT);
    await device.read(AT);
    now = printer("Lower", change.upTicks, change.calls);
    const { samples } = await device.read(AT + change.laterMs);
    expect(samples.map(({ component }) => component)).toContain(want);
  });

  it("has more rows than its profile wants: says which table is cut short", async () => {
    const { at, varbinds } = printer("Upper", 6_000);
    const trays = (count: number) =>
      Array.from({ length: count }, (_, n) => [`${TRAY}.10.1.${n + 1}`, { type: "integer", value: 250 }] as const);
    let now: SnmpReply = { at, varbinds: { ...varbinds, ...Object.fromEntries(trays(32)) } };
    const device = polled(() => now);
    await device.read(AT);
    expect(device.about()).not.toHaveProperty("cut short");
    now = { at, varbinds: { ...varbinds, ...Object.fromEntries(trays(33)) } };
    await device.read(AT);
    expect(device.about()["cut short"]).toContain("trays has more than 32 rows");
  });

  it("was silent once: there may be another in its place", async () => {
    let now: SnmpReply | null = printer("Upper", 6_000);
    const device = polled(() => now);
    await device.read(AT);
    now = null;
    await expect(device.read(AT)).rejects.toThrow("silence");
    now = printer("Lower", 9_000);
    const { samples } = await device.read(AT);
    expect(samples.map(({ component }) => component)).toContain("tray-lower");
  });

  it("hears of an alert when it is counted, and of its end though that is not", async () => {
    const MIB = "1.3.6.1.2.1.43";
    const CODE = `${MIB}.18.1.1.7`;
    const ready = { [`${CODE}.1.1`]: { type: "integer", value: 507 } } as const;
    const loadTray = { [`${CODE}.1.2`]: { type: "integer", value: 808 } } as const;
    const withAlerts = (counted: number, alerts: Record<string, SnmpValue>): SnmpReply => {
      const { at, varbinds } = printer("Upper", 6_000);
      return { at, varbinds: { ...varbinds, [`${MIB}.5.1.1.19.1`]: { type: "counter", value: counted }, ...alerts } };
    };
    const steps = [
      { now: withAlerts(1, ready), mediaOut: false, walked: true },
      { now: withAlerts(1, ready), mediaOut: false, walked: false },
      { now: withAlerts(2, { ...ready, ...loadTray }), mediaOut: true, walked: true },
      { now: withAlerts(2, { ...ready, ...loadTray }), mediaOut: true, walked: true },
      { now: withAlerts(2, ready), mediaOut: false, walked: true },
      { now: withAlerts(2, ready), mediaOut: false, walked: false },
    ];
    let now = withAlerts(0, {});
    const device = polled(() => now);
    const seen = [];
    for (const step of steps) {
      ({ now } = step);
      const { samples } = await device.read(AT);
      const mediaOut = samples.find(({ component }) => component === null)?.metrics["media_out"];
      seen.push({ now, mediaOut, walked: device.walks.at(-1)?.includes(CODE) });
    }
    expect(seen).toEqual(steps);
  });

  it.each([
    { name: "wrapped, and it goes on", upTicks: 12_000, carried: { [IMPRESSIONS]: 2 ** 32 } },
    { name: "began anew with a restart, however it looks", upTicks: 100, carried: undefined },
  ])("has a counter that $name", async ({ upTicks, carried }) => {
    const counting = (value: number, ticks: number): SnmpReply => {
      const { at, varbinds } = printer("Upper", ticks);
      return { at, varbinds: { ...varbinds, [IMPRESSIONS]: { type: "counter", value } } };
    };
    let now = counting(2 ** 32 - 100, 6_000);
    const session: SnmpSession = {
      ...replaySession(now),
      get: (oids) => replaySession(now).get(oids),
      walk: (columns) => replaySession(now).walk(columns),
    };
    const poll = new SnmpPoll(async () => ok(session), profiles, null);
    const carriedBy = async (nowMs: number) => {
      const reply = await poll.poll({ signal: new AbortController().signal, timeoutMs: 10_000, nowMs });
      return reply.ok ? reply.value.carried : reply.error;
    };
    expect(await carriedBy(AT)).toBeUndefined();
    now = counting(50, upTicks);
    expect(await carriedBy(AT + 60_000)).toEqual(carried);
  });

  it("is asked over another session once it did not answer, and the old one is closed", async () => {
    let open = 0;
    let opened = 0;
    let answers = true;
    const poll = new SnmpPoll(
      async () => {
        opened++;
        open++;
        const session = replaySession(printer("Upper", 6_000));
        return ok({
          ...session,
          get: async (oids: readonly string[]) =>
            answers ? session.get(oids) : err({ kind: "timeout" as const, detail: "silence" }),
          present: (oids: readonly string[]) => session.present(oids),
          walk: (columns: readonly WalkColumn[]) => session.walk(columns),
          close: () => void open--,
        });
      },
      profiles,
      null,
    );
    const seen: [ok: boolean, opened: number, open: number][] = [];
    for (const now of [true, true, false, true]) {
      answers = now;
      const reply = await poll.poll({ signal: new AbortController().signal, timeoutMs: 10_000, nowMs: AT });
      seen.push([reply.ok, opened, open]);
    }
    expect(seen).toEqual([
      [true, 1, 1],
      [true, 1, 1],
      [false, 1, 0],
      [true, 2, 1],
    ]);
  });

  it("leaves no session behind that was opened while the agent stopped", async () => {
    let open = 0;
    const opening = Promise.withResolvers<void>();
    const poll = new SnmpPoll(
      async () => {
        await opening.promise;
        open++;
        return ok({ ...replaySession(printer("Upper", 6_000)), close: () => void open-- });
      },
      profiles,
      null,
    );
    const reply = poll.poll({ signal: new AbortController().signal, timeoutMs: 10_000, nowMs: AT });
    poll.close();
    opening.resolve();
    await reply.catch(() => {});
    expect(open).toBe(0);
  });

  it("does not count its alerts, as was seen an hour ago: they are looked at at every poll", async () => {
    const MIB = "1.3.6.1.2.1.43";
    const CODE = `${MIB}.18.1.1.7`;
    const withAlerts = (count: number): SnmpReply => {
      const { at, varbinds } = printer("Upper", 6_000);
      const alerts = Array.from(
        { length: count },
        (_, n) => [`${CODE}.1.${n + 1}`, { type: "integer", value: 507 }] as const,
      );
      const counted = { [`${MIB}.5.1.1.19.1`]: { type: "counter", value: 1 } } as const;
      return { at, varbinds: { ...varbinds, ...counted, ...Object.fromEntries(alerts) } };
    };
    let now = withAlerts(1);
    const device = polled(() => now);
    for (let n = 0; n < GATED_POLLS_MAX; n++) await device.read(AT);
    now = withAlerts(2);
    for (let n = 0; n < GATED_POLLS_MAX; n++) await device.read(AT);
    const looks = [];
    for (let n = 0; n < 3; n++) {
      await device.read(AT + 3_600_000);
      looks.push(device.walks.at(-1)?.includes(CODE));
    }
    expect(looks).toEqual([true, true, true]);
  });
});
