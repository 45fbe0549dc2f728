/** Recordings of dialects: made of a poll, and read again as the device that they were made of. */
import { ok, type Result } from "@aislewatch/base";
import { suggest } from "@aislewatch/config";
import type { Device } from "../config.ts";
import { bytesOfHex, hexOf } from "../core/byte-text.ts";
import { redactCodes, redactField } from "../core/card-data.ts";
import { type LineRecording, parseLineRecording, textAnswers } from "../core/line-recording.ts";
import { type LineClass, redactAnswers } from "../core/redact-line.ts";
import type { AnyDriver, DevicePoller } from "../drivers/driver.ts";
import type { Heard } from "../drivers/request.ts";

/** The line of a recording: nothing is ever sent there (RFC 2606). */
const NOWHERE = { tcp: "recording.invalid:1" };
const NAMES_SHOWN_MAX = 12;

export type MadeRecording = {
  readonly recording: LineRecording;
  readonly replaced: Readonly<Partial<Record<LineClass, number>>>;
  /** Reads the driver the same values from it as from the device? */
  readonly isFaithful: boolean;
};

/** `reply` is what the device's poll returned, and `heard` how it went. */
export function makeLineRecording(
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
  // Registers as hex: a dialect's texts went through this at the line.
  const safeText = (_key: string, one: unknown): unknown => (typeof one === "string" ? redactField(one) : one);
  const answers = JSON.parse(JSON.stringify(reply, safeText)) as LineRecording["answers"];
  const texts = textAnswers(answers);
  const serial = parsed.ok ? parsed.value.asset?.serial : undefined;
  const safe = texts === null ? null : redactAnswers(texts, { driver: driver.name, serial });
  const recording: LineRecording = {
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
    answers: safe?.answers ?? answers,
  };
  const again = poller.parse(recording.answers);
  const samples = (of: typeof again): string => JSON.stringify(of.ok ? of.value.samples : of.error);
  return { recording, replaced: safe?.replaced ?? {}, isFaithful: samples(again) === samples(parsed) };
}

export type ReplayedLine = {
  readonly driver: AnyDriver;
  readonly poller: DevicePoller<unknown>;
  readonly recording: LineRecording;
  readonly heard: readonly Heard[];
};

/** With a device, as if that device had said it. What is wrong with the file is said with its place. */
export function openLineRecording(
  text: string,
  drivers: readonly AnyDriver[],
  device: Device | null,
): Result<ReplayedLine, string> {
  const read = parseLineRecording(text);
  if (!read.ok) return read;
  const recording = read.value;
  const able = drivers.filter(({ requests, options }) => requests !== undefined && options !== undefined);
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
  const made = driver.config.safeParse({ line: NOWHERE, ...recording.options });
  if (!made.success) {
    const issue = made.error.issues[0];
    const path = ["options", ...(issue?.path ?? [])].map(String).join(".");
    return fail(`${path}: ${issue?.message ?? "not understood"}`);
  }
  const wrong = isNested(recording)
    ? undefined
    : Object.entries(recording.answers).find(([, answer]) => !isAnswer(answer));
  if (wrong !== undefined) return fail(`answers.${wrong[0]}: expected a text or null`);
  const config = device?.driverConfig ?? made.data;
  const questions = (driver.requests?.(made.data) ?? []).map(({ name }) => name);
  const foreign = asked(recording).find((name) => !questions.includes(name));
  if (foreign !== undefined) return fail(`answers: ${unknown(foreign, questions)}`);
  const kind = device?.kind ?? recording.kind;
  const poller = driver.open({ id: device?.id ?? "recording", kind, config, secret: () => "" });
  const heard = recording.exchanges.map(({ ask, sent, hex, ms }) => {
    return { ask, sent, said: hex === null ? null : bytesOfHex(hex), tookMs: ms };
  });
  return ok({ driver, poller, recording, heard });
}

const fail = (error: string): Result<never, string> => ({ ok: false, error });

const isAnswer = (answer: unknown): boolean => answer === null || typeof answer === "string";

/** Of Modbus the answers are one level down. */
const isNested = ({ answers: { said } }: LineRecording): boolean => typeof said === "object" && said !== null;

/** Every question that the file names. */
function asked(recording: LineRecording): readonly string[] {
  const { answers, exchanges } = recording;
  const names = Object.keys(isNested(recording) ? Object(answers["said"]) : answers);
  return [...names, ...exchanges.map(({ ask }) => ask)];
}

function unknown(name: string, names: readonly string[]): string {
  const near = suggest(name, names);
  const hint = near === null ? "" : `; did you mean "${near}"?`;
  const shown = JSON.stringify(name.slice(0, 40));
  return `expected one of: ${names.slice(0, NAMES_SHOWN_MAX).join(", ")}; received ${shown}${hint}`;
}
