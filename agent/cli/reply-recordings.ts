/** Recordings of replies: made of a poll, and read again as the device that they were made of. */
import { errorText, ok, type Result } from "@aislewatch/base";
import { suggest } from "@aislewatch/config";
import type { Device } from "../config.ts";
import { bytesOfHex, hexOf } from "../core/byte-text.ts";
import { redactCodes, redactField } from "../core/card-data.ts";
import { type LineClass, redactAnswers, redactReply } from "../core/redact-line.ts";
import { parseReplyRecording, type ReplyRecording, textAnswers } from "../core/reply-recording.ts";
import type { AnyDriver, DevicePoller, Parsed } from "../drivers/driver.ts";
import type { Heard, Request } from "../drivers/request.ts";

const NAMES_SHOWN_MAX = 12;

export type MadeRecording = {
  readonly recording: ReplyRecording;
  readonly replaced: Readonly<Partial<Record<LineClass, number>>>;
  /** Reads the driver the same values from it as from the device? */
  readonly isFaithful: boolean;
};

/** `reply` is what the device's poll returned, and `heard` how it went. */
export function makeReplyRecording(
  device: Pick<Device, "driver" | "driverConfig" | "kind">,
  {
    poller,
    reply,
    heard,
    atMs,
  }: { poller: DevicePoller<unknown>; reply: unknown; heard: readonly Heard[]; atMs: number },
): MadeRecording {
  const { driver, driverConfig, kind } = device;
  const parsed = poller.parse(reply);
  // A dialect's texts went through this at the line.
  const safeText = (_key: string, one: unknown): unknown => (typeof one === "string" ? redactField(one) : one);
  const answers = JSON.parse(JSON.stringify(reply, safeText)) as ReplyRecording["answers"];
  const serial = parsed.ok ? parsed.value.asset?.serial : undefined;
  const told = { driver: driver.name, serial, identifying: driver.recorded?.identifying?.(reply, driverConfig) ?? [] };
  const texts = driver.requests === undefined ? null : textAnswers(answers);
  const safe = texts === null ? null : redactAnswers(texts, told);
  const { answers: made, replaced } = safe ?? asAnswers(redactReply(answers, told));
  const recording: ReplyRecording = {
    driver: driver.name,
    kind,
    at: atMs,
    redacted: true,
    options: driver.options?.(driverConfig) ?? {},
    exchanges: heard.map(({ ask, sent, said, tookMs }) => {
      const kept = said === null ? null : redactCodes(said);
      const answer = safe === null || kept === null ? kept : (safe.answers[ask] ?? null);
      return { ask, sent, hex: answer === null ? null : hexOf(answer), ms: Math.round(tookMs) };
    }),
    answers: made,
  };
  const again = poller.parse(recording.answers);
  const samples = (of: typeof again): string => JSON.stringify(of.ok ? of.value.samples : of.error);
  return { recording, replaced, isFaithful: samples(again) === samples(parsed) };
}

const asAnswers = ({ reply, replaced }: ReturnType<typeof redactReply<ReplyRecording["answers"]>>) => ({
  answers: reply,
  replaced,
});

export type ReplayedReply = {
  readonly driver: AnyDriver;
  readonly poller: DevicePoller<unknown>;
  readonly recording: ReplyRecording;
  readonly heard: readonly Heard[];
};

/** With a device, as if that device had said it. What is wrong with the file is said with its place. */
export function openReplyRecording(
  text: string,
  drivers: readonly AnyDriver[],
  device: Device | null,
): Result<ReplayedReply, string> {
  const read = parseReplyRecording(text);
  if (!read.ok) return read;
  const recording = read.value;
  const able = drivers.filter(({ recorded }) => recorded !== undefined);
  const driver = able.find(({ name }) => name === recording.driver);
  if (driver === undefined)
    return fail(
      `driver: ${unknown(
        recording.driver,
        able.map(({ name }) => name),
      )}`,
    );
  if (device !== null && device.driver.name !== driver.name) {
    return fail(`it is of the driver ${driver.name}; ${device.id} has the driver ${device.driver.name}`);
  }
  const made = driver.config.safeParse({ ...driver.recorded?.config, ...recording.options });
  if (!made.success) {
    const issue = made.error.issues[0];
    const path = ["options", ...(issue?.path ?? [])].map(String).join(".");
    return fail(`${path}: ${issue?.message ?? "not understood"}`);
  }
  const config = device?.driverConfig ?? made.data;
  const foreign = foreignAnswer(recording, driver.requests?.(made.data) ?? null);
  if (foreign !== null) return fail(foreign);
  const kind = device?.kind ?? recording.kind;
  const poller = driver.open({ id: device?.id ?? "recording", kind, config, secret: () => "" });
  const heard = recording.exchanges.map(({ ask, sent, hex, ms }) => {
    return { ask, sent, said: hex === null ? null : bytesOfHex(hex), tookMs: ms };
  });
  return ok({ driver, poller, recording, heard });
}

const fail = (error: string): Result<never, string> => ({ ok: false, error });

/** Of a dialect, whose questions are known by name: what is no answer to one of them. Null: all is well. */
function foreignAnswer({ answers, exchanges }: ReplyRecording, requests: readonly Request[] | null): string | null {
  if (requests === null) return null;
  // Of Modbus, the answers are one level down; what was heard of a bus answers no question of ours.
  const { kind, said = kind === "heard" ? {} : answers } = answers;
  const questions = requests.map(({ name }) => name);
  const named = [...Object.keys(Object(said)), ...exchanges.map(({ ask }) => ask)];
  const foreign = named.find((name) => !questions.includes(name));
  if (foreign !== undefined) return `answers: ${unknown(foreign, questions)}`;
  const wrong = Object.entries(Object(said)).find(([, answer]) => answer !== null && typeof answer !== "string");
  return wrong === undefined ? null : `answers.${wrong[0]}: expected a text or null`;
}

/** What the driver makes of it. A stranger's reply may be of any form: what `parse` can't take is an error, too. */
export function parseRecorded({ driver, poller, recording }: ReplayedReply): Result<Parsed, string> {
  try {
    const parsed = poller.parse(recording.answers);
    return parsed.ok ? parsed : fail(parsed.error.detail);
  } catch (thrown) {
    return fail(`the driver ${driver.name} can't read it: ${errorText(thrown)}`);
  }
}

function unknown(name: string, names: readonly string[]): string {
  const near = suggest(name, names);
  const hint = near === null ? "" : `; did you mean "${near}"?`;
  const shown = JSON.stringify(name.slice(0, 40));
  return `expected one of: ${names.slice(0, NAMES_SHOWN_MAX).join(", ")}; received ${shown}${hint}`;
}
