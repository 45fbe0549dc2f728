import { readFileSync, statSync } from "node:fs";
import { errorText, type Result } from "@aislewatch/base";
import type { SampleSet, Value } from "@aislewatch/contract";
import { type Evidence, findMetric, loadBuiltinProfiles, type Profile } from "@aislewatch/devices";
import { alignedTable, EXIT, realClock } from "@aislewatch/runtime";
import type { Device } from "../config.ts";
import { harmless } from "../core/byte-text.ts";
import { redact, redactCodes, redactField } from "../core/card-data.ts";
import { cleanAsset, makeReading } from "../core/reading.ts";
import { parseRecording, RECORDING_LIMITS } from "../core/recording.ts";
import { isReplyRecording } from "../core/reply-recording.ts";
import type { Parsed, PollError } from "../drivers/driver.ts";
import { loadDrivers } from "../drivers/index.ts";
import type { Heard } from "../drivers/request.ts";
import { SnmpPoll } from "../drivers/snmp/poll.ts";
import { replaySession } from "../drivers/snmp/replay.ts";
import { openDevice } from "../poller.ts";
import { exchangeDump, exchangesAsJson, exchangeTable } from "./exchanges.ts";
import { findDevice } from "./find-device.ts";
import { adviceFor, lineOf } from "./line-advice.ts";
import { readConfig } from "./read-config.ts";
import { replay } from "./replay.ts";
import { openReplyRecording, parseRecorded } from "./reply-recordings.ts";
import type { Flags, Terminal } from "./terminal.ts";
import { profilesOf } from "./written-option.ts";

/** Polls one device once, past schedule, outbox and collector, and shows what it says; or does so with a recording. */
export function probe(flags: Flags, terminal: Terminal): Promise<number> | number {
  const { from, profiles } = flags.written;
  if (from !== undefined) return probeRecording(from, flags, terminal);
  if (profiles === undefined) return probeDevice(flags, terminal);
  terminal.error("--profiles goes with --from; a device's profiles are those of its configuration\n");
  return EXIT.config;
}

async function probeDevice(flags: Flags, terminal: Terminal): Promise<number> {
  const config = await readConfig(flags, terminal);
  const device = config === null ? null : findDevice(config, flags.device ?? "", terminal);
  if (device === null) return EXIT.config;
  const poller = openDevice(device);
  const startMs = realClock.monotonic();
  const nowMs = realClock.now();
  const asked = { id: device.id, driver: device.driver.name, address: device.driver.address(device.driverConfig) };
  const stopper = new AbortController();
  const release = terminal.onInterrupt?.(() => stopper.abort());
  const exchanges: Heard[] = [];
  const fail = (error: PollError): number => {
    const hint = adviceFor(error, lineOf(device));
    return showFailure(asked, { ...error, ...(hint !== undefined && { hint }) }, { exchanges, flags, terminal });
  };
  try {
    const signal = AbortSignal.any([stopper.signal, AbortSignal.timeout(device.timeoutMs)]);
    const heard = (one: Heard): void =>
      void exchanges.push({ ...one, said: one.said === null ? null : redactCodes(one.said) });
    const polled = await poller.poll({ signal, timeoutMs: device.timeoutMs, nowMs, heard });
    const tookMs = realClock.monotonic() - startMs;
    if (stopper.signal.aborted) {
      terminal.error(`${device.id}: stopped by hand, before all of its answer was there\n`);
      return EXIT.crashed;
    }
    if (!polled.ok) return fail(polled.error);
    if (flags.raw) return showRaw(polled.value, { exchanges, flags, terminal });
    const parsed = poller.parse(polled.value);
    if (!parsed.ok) return fail({ kind: "protocol", detail: parsed.error.detail });
    const about = poller.about?.() ?? [];
    const profile = (config?.profiles ?? loadBuiltinProfiles()).find(({ name }) => name === poller.profile()) ?? null;
    show({ ...asked, profile, about, exchanges, parsed: parsed.value, tookMs, nowMs }, flags, terminal);
    return EXIT.asked;
  } catch (thrown) {
    return fail({ kind: "protocol", detail: errorText(thrown) });
  } finally {
    release?.();
    await poller.close();
  }
}

/** With a device's id, as if that device had said it; without, the kind is what the profile says. */
async function probeRecording(path: string, flags: Flags, terminal: Terminal): Promise<number> {
  const config = flags.device === null ? null : await readConfig(flags, terminal);
  const device = config === null ? null : findDevice(config, flags.device ?? "", terminal);
  if (flags.device !== null && device === null) return EXIT.config;
  const profiles = profilesOf(flags, terminal, config);
  if (profiles === null) return EXIT.config;
  const text = textOf(path);
  if (text.ok && isReplyRecording(text.value))
    return probeReplyRecording(text.value, device, { path, flags, terminal });
  const read = text.ok ? parseRecording(text.value, realClock.now()) : text;
  if (!read.ok) return refuse(path, read.error, terminal);
  if (device !== null && device.driver.name !== "snmp") {
    return refuse(path, `it is of SNMP; ${device.id} has the driver ${device.driver.name}`, terminal);
  }
  const { recording, format, unread } = read.value;
  const nowMs = recording.at;
  const startMs = realClock.monotonic();
  const poll = new SnmpPoll(async () => ({ ok: true, value: replaySession(recording) }), profiles, null);
  const replayed = await replay(poll, { profiles, kind: device?.kind ?? null, nowMs });
  const tookMs = realClock.monotonic() - startMs;
  const asked = { id: flags.device ?? "recording", driver: "snmp", address: path };
  const exchanges: readonly Heard[] = [];
  if (!replayed.ok) return showFailure(asked, replayed.error, { exchanges, flags, terminal });
  const { reply, parsed } = replayed.value;
  if (flags.raw) return showRaw(reply, { exchanges, flags, terminal });
  const whole = recording.cutShort === null ? "" : `; not whole: ${recording.cutShort}`;
  const lost = unread === 0 ? "" : `, ${unread} could not be read`;
  const holds = ["recording", `${format}, ${Object.keys(recording.varbinds).length} values${lost}${whole}`] as const;
  const about = [holds, ...poll.about()];
  show({ ...asked, profile: poll.profile, about, exchanges, parsed, tookMs, nowMs }, flags, terminal);
  return EXIT.asked;
}

async function probeReplyRecording(
  text: string,
  device: Device | null,
  { path, flags, terminal }: { path: string; flags: Flags; terminal: Terminal },
): Promise<number> {
  const opened = openReplyRecording(text, await loadDrivers(), device);
  if (!opened.ok) return refuse(path, opened.error, terminal);
  const { driver, poller, recording } = opened.value;
  // A stranger's file may hold what no recording of ours does.
  const exchanges = opened.value.heard.map((one) => ({
    ...one,
    said: one.said === null ? null : redactCodes(one.said),
  }));
  const asked = { id: device?.id ?? "recording", driver: driver.name, address: path };
  const startMs = realClock.monotonic();
  try {
    if (flags.raw) return showRaw(recording.answers, { exchanges, flags, terminal });
    const parsed = parseRecorded(opened.value);
    const tookMs = realClock.monotonic() - startMs;
    if (!parsed.ok) {
      return showFailure(asked, { kind: "protocol", detail: parsed.error }, { exchanges, flags, terminal });
    }
    const at = new Date(recording.at).toISOString();
    const about = [["recording", `of ${at}${recording.redacted ? "" : ", not redacted"}`] as const];
    const nowMs = recording.at;
    show({ ...asked, profile: null, about, exchanges, parsed: parsed.value, tookMs, nowMs }, flags, terminal);
    return EXIT.asked;
  } catch (thrown) {
    // Samples of no form at all, made of a reply of another form than the driver's own.
    return refuse(path, `the driver ${driver.name} can't read it: ${errorText(thrown)}`, terminal);
  } finally {
    await poller.close();
  }
}

function refuse(path: string, why: string, terminal: Terminal): number {
  terminal.error(`--from: ${path}: ${why}\n`);
  return EXIT.config;
}

function textOf(path: string): Result<string, string> {
  try {
    const about = statSync(path);
    // A terminal or /dev/zero has no end; what a shell pipes in has.
    if (about.isCharacterDevice()) return { ok: false, error: "expected a file; received a device" };
    const { size } = about;
    if (size > RECORDING_LIMITS.charsMax) {
      return { ok: false, error: `expected at most ${RECORDING_LIMITS.charsMax} bytes; received ${size}` };
    }
    return { ok: true, value: decode(readFileSync(path)) };
  } catch (thrown) {
    return { ok: false, error: `can't be read: ${errorText(thrown)}` };
  }
}

/** Walks of devices that speak Latin-1 are no UTF-8. */
function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("latin1").decode(bytes);
  }
}

type Asked = { readonly id: string; readonly driver: string; readonly address: string };
type Failure = { readonly kind: string; readonly detail: string; readonly hint?: string };

function showFailure({ id, driver, address }: Asked, failure: Failure, { exchanges, flags, terminal }: Shown): number {
  const asked = exchanges.length === 0 ? {} : { exchanges: exchangesAsJson(exchanges) };
  if (flags.json) terminal.out(json({ device: id, failure, ...asked }));
  else terminal.out(flags.raw ? exchangeDump(exchanges) : exchangeTable(exchanges));
  const hint = failure.hint === undefined ? "" : `\n  ${failure.hint}`;
  terminal.error(`${id} (${driver}, ${address}): ${failure.kind}: ${safe(failure.detail)}${hint}\n`);
  return EXIT.crashed;
}

/** The reply as a test case has it; of a dialect, unless as JSON, every byte of it. */
function showRaw(reply: unknown, { exchanges, flags, terminal }: Shown): number {
  terminal.out(flags.json || exchanges.length === 0 ? json(reply) : exchangeDump(exchanges));
  return EXIT.asked;
}

/** A device's text as a terminal may have it. */
const safe = (text: string): string => harmless(redact(text));

/** In plain ASCII, so that no control character of a device reaches a terminal; and no card data. */
const json = (value: unknown): string =>
  `${JSON.stringify(value, (_key, one) => (typeof one === "string" ? redactField(one) : one), 2).replace(/[\x7f-\x9f]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)}\n`;

type Shown = { readonly exchanges: readonly Heard[]; readonly flags: Flags; readonly terminal: Terminal };

type Seen = Asked & {
  readonly profile: Profile | null;
  readonly about: readonly (readonly [name: string, text: string])[];
  readonly exchanges: readonly Heard[];
  readonly parsed: Parsed;
  readonly tookMs: number;
  readonly nowMs: number;
};

function show(seen: Seen, flags: Flags, terminal: Terminal): void {
  const { id, driver, address, profile, about, exchanges, parsed, tookMs, nowMs } = seen;
  const { reading } = makeReading(
    { device: id, atMs: nowMs, tookMs },
    { ok: true, samples: parsed.samples, events: parsed.events ?? [] },
  );
  const asset = cleanAsset(parsed.asset ?? {});
  if (flags.json) {
    const asked = exchanges.length === 0 ? {} : { exchanges: exchangesAsJson(exchanges) };
    const facts = { profile: profile?.name ?? null, about: Object.fromEntries(about), asset };
    terminal.out(json({ ...reading, ...facts, ...asked }));
    return;
  }
  const facts = [
    ["device", id],
    ["driver", [driver, address].join(", ")],
    ["profile", profile === null ? "" : `${profile.name}, ${profile.title}`],
    ...about,
    ["took", `${Math.round(tookMs)} ms`],
    ["asset", Object.values(asset).join(", ")],
  ]
    .filter(([, value]) => value !== "")
    .map(([name, value]) => [name ?? "", safe(value ?? "")]);
  const rows = reading.samples.flatMap((set) => sampleRows(set, parsed.evidence ?? []));
  const head = ["COMPONENT", "METRIC", "VALUE", "UNIT", "SAID BY", "MEANING"];
  const talk = exchangeTable(exchanges);
  terminal.out(`${alignedTable(facts)}\n${talk === "" ? "" : `${talk}\n`}${alignedTable([head, ...rows], [2])}`);
  if (profile?.verified === false) {
    const ask = "No recording of a real one has been seen: please send what `aislewatch-agent record` writes.";
    terminal.error(`The profile ${profile.name} was written from documents. ${ask}\n`);
  }
  for (const event of reading.events ?? []) terminal.out(`event: ${event.code} ${safe(event.detail)}\n`);
}

function sampleRows({ component, metrics }: SampleSet, evidence: readonly Evidence[]): string[][] {
  return Object.entries(metrics).map(([name, value]) => {
    const metric = findMetric(name);
    const heard = evidence.find((one) => one.component === component && one.metric === name);
    return [component ?? "", name, valueText(value), metric?.unit ?? "", witnesses(heard), metric?.meaning ?? ""];
  });
}

/** Whose word a verdict is; those who say otherwise are worth a look. */
function witnesses(heard: Evidence | undefined): string {
  if (heard === undefined) return "";
  const { by, against, quotes } = heard;
  const said = by.map((name) => (quotes?.[name] === undefined ? name : `${name} (${safe(quotes[name])})`));
  return `${said.join(", ")}${against.length === 0 ? "" : ` (not ${against.join(", ")})`}`;
}

const valueText = (value: Value): string => (typeof value === "boolean" ? (value ? "yes" : "no") : String(value));
