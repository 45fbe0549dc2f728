/**
 * The face of every driver. `poll` fetches a reply over a line and understands nothing; `parse` understands it and
 * fetches nothing. The reply between them is plain JSON, so any reply seen in the field becomes a test case as a file.
 */
import type { Result } from "@aislewatch/base";
import type { SecretRef } from "@aislewatch/config";
import type { Asset, PollFailureKind, SampleSet } from "@aislewatch/contract";
import type { Evidence, Kind, Profile, RegisterMap } from "@aislewatch/devices";
import type { z } from "zod";
import type { Identifying } from "../core/redact-line.ts";
import type { Heard, Request } from "./request.ts";

export type PollError = { readonly kind: PollFailureKind; readonly detail: string; readonly hint?: string };
export type ParseError = { readonly detail: string };

/** What a reply means, for the poller to stamp with device and time. */
export type Parsed = {
  readonly samples: readonly SampleSet[];
  readonly asset?: Asset;
  readonly events?: readonly { readonly component: string | null; readonly code: string; readonly detail: string }[];
  /** Whose word verdicts are; its changes become events of the device (core/verdicts.ts), and `probe` shows all of it. */
  readonly evidence?: readonly Evidence[];
};

export type PollContext = {
  /** Ends with the poll's deadline, or when the agent stops. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Unix ms at the start of the poll. */
  readonly nowMs: number;
  /** Is told each question of a dialect as it went. */
  readonly heard?: (exchange: Heard) => void;
};

/** Something that a driver learns from, and how it stands for this user. Text for people; `status` shows it. */
export type Source = {
  /** `sysfs`, `hot-plug`, `kernel log`, `usblp`, … */
  readonly name: string;
  /** `ready`: it may be used, and is not, because nobody asked for it. */
  readonly state: "used" | "ready" | "denied" | "absent";
  readonly detail: string;
  /** The command that opens a source which is denied. */
  readonly grant?: string;
};

/**
 * One configured device's poller. `Reply` must survive JSON.parse(JSON.stringify(reply)). Drivers keep what is worth
 * keeping between polls (a session, which profile matched) in the value that `open` returns.
 */
export type DevicePoller<Reply> = {
  poll(context: PollContext): Promise<Result<Reply, PollError>>;
  parse(reply: Reply): Result<Parsed, ParseError>;
  /** Metrics that this device may report, for the inventory; may grow once the device is recognised. */
  metrics(): readonly string[];
  /** Profile in use, when the driver has such a thing. */
  profile(): string | null;
  /** What is worth knowing of the last poll, for a person: names and texts, such as why this profile. */
  about?(): readonly (readonly [name: string, text: string])[];
  /** Where its answers come from, as of the last poll; for a driver with sources that need rights of their own. */
  sources?(): readonly Source[];
  /**
   * For a driver that hears of changes between polls: calls `speakUp` at each, to be polled at once. Called once, when
   * polling begins; the returned function ends it.
   */
  watch?(speakUp: () => void): () => void;
  close(): Promise<void>;
};

export type DriverConfig<Config> = {
  readonly id: string;
  readonly kind: Kind;
  readonly config: Config;
  /** The value behind a secret reference in `config`. All were read when the agent started, or it did not start. */
  readonly secret: (ref: SecretRef) => string;
};

export type Recorded<Config, Reply> = {
  /** Keys of a configuration that leads nowhere, which the `options` of a recording complete: nothing is asked with it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What tells this unit, this site or its people in a reply, beside the serial number of the asset. */
  identifying?(reply: Reply, config: Config): readonly Identifying[];
};

export type Driver<Config, Reply> = {
  readonly name: string;
  readonly title: string;
  /** The driver's own keys in a device of agent.yaml; strict, so that a typo is refused with its line. */
  readonly config: z.ZodType<Config>;
  /** What can't be polled at the same time: two devices with one key wait for each other (one poll at a time a line). */
  lineKey(config: Config): string;
  /** How the address is shown to people; never a secret. */
  address(config: Config): string;
  open(device: DriverConfig<Config>): DevicePoller<Reply>;
  /** Of a dialect over a byte line: all that it can send. */
  requests?(config: Config): readonly Request[];
  /**
   * What `parse` has to know of a device's configuration, as agent.yaml has it: what a recording of its replies holds
   * beside them. No address, no secret. Of a driver whose replies can be recorded.
   */
  options?(config: Config): Readonly<Record<string, string | number | boolean>>;
  /**
   * How its replies are recorded and read again. Of every driver but SNMP, whose recordings are walks, for what a profile
   * will want to know is not known yet when a device is recorded.
   */
  readonly recorded?: Recorded<Config, Reply>;
  /** The same driver over these profiles, for one that has any: an operator's own beside the built-in ones. */
  withProfiles?(profiles: readonly Profile[]): Driver<Config, Reply>;
  /** The same driver over these register maps, for one that has any. */
  withMaps?(maps: readonly RegisterMap[]): Driver<Config, Reply>;
};

// biome-ignore lint/suspicious/noExplicitAny: the list of drivers holds each with its own config and reply types.
export type AnyDriver = Driver<any, any>;

export const defineDriver = <Config, Reply>(driver: Driver<Config, Reply>): Driver<Config, Reply> => driver;
