/**
 * `record`: everything that a device says, without what identifies the site, as a file that may be sent to somebody
 * and that `probe --from` reads.
 */
import { loadBuiltinProfiles, type Profile } from "@aislewatch/devices";
import { EXIT, realClock } from "@aislewatch/runtime";
import type { Device } from "../config.ts";
import { harmless } from "../core/byte-text.ts";
import { RECORDING_VERSION, type Recording, writeRecording } from "../core/recording.ts";
import { type Redacted, type RedactOptions, redactRecording, serialOids } from "../core/redact-recording.ts";
import { writeReplyRecording } from "../core/reply-recording.ts";
import type { Heard } from "../drivers/request.ts";
import { type SnmpConfig, targetOf } from "../drivers/snmp/index.ts";
import { SnmpPoll } from "../drivers/snmp/poll.ts";
import { replaySession } from "../drivers/snmp/replay.ts";
import { WALK_LIMITS, type Walked, walkDevice } from "../drivers/snmp/walk.ts";
import { openDevice } from "../poller.ts";
import { openSnmp, type SnmpTarget } from "../transport/snmp.ts";
import { exchangeTable } from "./exchanges.ts";
import { findDevice } from "./find-device.ts";
import { adviceFor, lineOf } from "./line-advice.ts";
import { Progress } from "./progress.ts";
import { readConfig } from "./read-config.ts";
import { replay } from "./replay.ts";
import { makeReplyRecording } from "./reply-recordings.ts";
import type { Flags, Terminal } from "./terminal.ts";
import { durationBetween, isFree, optionValue, wholeNumber, writeOut } from "./written-option.ts";

const TIME_MS_DEFAULT = 600_000;
const TIME_MS_MAX = 86_400_000;

export async function record(flags: Flags, terminal: Terminal): Promise<number> {
  const rows = wholeNumber("a number", 1, WALK_LIMITS.rowsMax);
  const rowsMax = optionValue(flags, terminal, { option: "rows", schema: rows, fallback: WALK_LIMITS.rowsDefault });
  const time = durationBetween(1_000, TIME_MS_MAX);
  const timeMsMax = optionValue(flags, terminal, { option: "timeout", schema: time, fallback: TIME_MS_DEFAULT });
  if (rowsMax === null || timeMsMax === null || !isFree(flags, terminal)) return EXIT.config;
  const config = await readConfig(flags, terminal);
  const device = config === null ? null : findDevice(config, flags.device ?? "", terminal);
  if (device === null) return EXIT.config;
  if (device.driver.recorded !== undefined) return await recordReply(device, timeMsMax, { flags, terminal });
  // The driver's own schema made it.
  const target = targetOf(device.driverConfig as SnmpConfig, device.secret);
  const nowMs = realClock.now();
  const startMs = realClock.monotonic();
  const walked = await walk(device, { target, rowsMax, timeMsMax }, terminal);
  if (walked === null) return EXIT.crashed;
  const { varbinds, requests, cutShort } = walked;
  const recording: Recording = { recording: RECORDING_VERSION, at: nowMs, redacted: false, cutShort, varbinds };
  const redacted = redactRecording(
    recording,
    await whatToHide(recording, target, config?.profiles ?? loadBuiltinProfiles()),
  );
  if (!writeOut(writeRecording(redacted.recording), flags, terminal)) return EXIT.crashed;
  const took = `${Object.keys(varbinds).length} values in ${seconds(realClock.monotonic() - startMs)} s by ${requests} requests`;
  terminal.error(`${device.id}: ${took}${cutShort === null ? "" : `; not whole: ${cutShort}`}\n${summary(redacted)}`);
  return EXIT.asked;
}

/** One poll of a fresh poller asks every question that there is: nothing is known of the device yet. */
async function recordReply(
  device: Device,
  timeMsMax: number,
  { flags, terminal }: { flags: Flags; terminal: Terminal },
): Promise<number> {
  const poller = openDevice(device);
  const exchanges: Heard[] = [];
  const stopper = new AbortController();
  const release = terminal.onInterrupt?.(() => stopper.abort());
  const atMs = realClock.now();
  try {
    const signal = AbortSignal.any([stopper.signal, AbortSignal.timeout(timeMsMax)]);
    const heard = (one: Heard): void => void exchanges.push(one);
    const polled = await poller.poll({ signal, timeoutMs: device.timeoutMs, nowMs: atMs, heard });
    if (stopper.signal.aborted) {
      terminal.error(`${device.id}: stopped by hand, before all of its answers were there\n`);
      return EXIT.crashed;
    }
    if (!polled.ok) {
      const hint = adviceFor(polled.error, lineOf(device));
      const { kind, detail } = polled.error;
      terminal.error(`${exchangeTable(exchanges)}${device.id}: ${kind}: ${harmless(detail)}${hinted(hint)}\n`);
      return EXIT.crashed;
    }
    const made = makeReplyRecording(device, { poller, reply: polled.value, heard: exchanges, atMs });
    if (!writeOut(writeReplyRecording(made.recording), flags, terminal)) return EXIT.crashed;
    const changed = made.isFaithful ? "" : "what was replaced changes what it means: say so when you send it\n";
    terminal.error(`${device.id}: ${heardOf(device, exchanges)}\n${changed}${summary({ replaced: made.replaced })}`);
    return EXIT.asked;
  } finally {
    release?.();
    await poller.close();
  }
}

/** What was asked, or, of a device that there is nothing to ask or that was not to be opened, what was looked at. */
function heardOf({ driver, driverConfig }: Device, exchanges: readonly Heard[]): string {
  const answered = exchanges.filter(({ said }) => said !== null).length;
  if (driver.requests !== undefined) return `${answered} of ${exchanges.length} questions answered`;
  // The drivers' own schema made it; those that may open a device's file have this key.
  const { take } = (driverConfig ?? {}) as { take?: unknown };
  return take === false
    ? "what the system knows of it; with `take: true` also what it says itself"
    : "its reply, whole";
}

const hinted = (hint: string | undefined): string => (hint === undefined ? "" : `\n  ${hint}`);

async function walk(
  device: Device,
  { target, rowsMax, timeMsMax }: { target: SnmpTarget; rowsMax: number; timeMsMax: number },
  terminal: Terminal,
): Promise<Walked | null> {
  const opened = await openSnmp(target);
  const stopper = new AbortController();
  const cancel = realClock.after(timeMsMax, () => stopper.abort("the time was up"));
  const release = terminal.onInterrupt?.(() => stopper.abort("stopped by hand"));
  const progress = new Progress(terminal, realClock);
  const walked = opened.ok
    ? await walkDevice(opened.value, {
        rowsMax,
        timeoutMs: target.timeoutMs,
        signal: stopper.signal,
        onProgress: ({ rows, oid }) => progress.show(null, `${device.id}: ${rows} values, at ${oid}`),
      })
    : opened;
  progress.end();
  cancel();
  release?.();
  if (opened.ok) opened.value.close();
  if (walked.ok) return walked.value;
  const { kind, detail, hint } = walked.error;
  terminal.error(`${device.id}: ${kind}: ${detail}${hinted(hint)}\n`);
  return null;
}

/** What is secret beyond what every recording hides: what this one was asked with, and the serial number it shows. */
async function whatToHide(
  recording: Recording,
  { credential }: SnmpTarget,
  profiles: readonly Profile[],
): Promise<RedactOptions> {
  const replayed = await replay(
    new SnmpPoll(async () => ({ ok: true, value: replaySession(recording) }), profiles, null),
    {
      profiles,
      kind: null,
      nowMs: recording.at,
    },
  );
  const { vendor, model, firmware, serial } = replayed.ok ? (replayed.value.parsed.asset ?? {}) : {};
  const secret = credential.version === "3" ? credential.user.name : credential.community;
  return {
    serialOids: serialOids(profiles),
    keep: [vendor, model, firmware].filter((text) => text !== undefined),
    secrets: [
      { class: "secret", text: secret },
      ...(serial === undefined ? [] : [{ class: "serial" as const, text: serial }]),
    ],
  };
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);

function summary({ replaced, leftOut }: Pick<Redacted, "replaced"> & Partial<Redacted>): string {
  const counts = Object.entries(replaced).map(([of, count]) => `${count} ${of}`);
  const out = leftOut === undefined ? "" : `; left out: ${leftOut} of people and peers`;
  return [
    `replaced: ${counts.length === 0 ? "nothing" : counts.join(", ")}${out}`,
    "look through it before you send it: a name that only a vendor's own table knows can't be told from other text",
    "",
  ].join("\n");
}
