/**
 * The forms of actions that need words first, for one incident and for many. What is typed into their text belongs to
 * whoever shows the form (`text`, `setText`), so that it outlives a form that somebody else's action takes away.
 */
import { type FormEvent, type ReactNode, useState } from "react";
import type { Incident, IncidentAction } from "../api/types.ts";
import { PRIORITIES } from "../api/types.ts";
import { api, useLive, useLoad } from "../api/use-live.ts";
import {
  CANCEL_CODES,
  HOLD_REASONS,
  isCancelCode,
  isHoldReason,
  isPickedCode,
  isTier,
  RESOLUTION_CODES,
  TIERS,
} from "./actions.ts";
import "./action-forms.css";

export type Send = (action: IncidentAction, done: string) => Promise<boolean>;

export type FormProps = {
  readonly busy: boolean;
  readonly send: Send;
  readonly text: string;
  readonly setText: (text: string) => void;
};

const orNull = (text: string): string | null => (text.trim() === "" ? null : text.trim());

type ShellProps = { submit: string; busy: boolean; testId: string; onSubmit: (form: FormData) => void };

function FormShell({ submit, busy, testId, onSubmit, children }: ShellProps & { children: ReactNode }) {
  return (
    <form
      className="action-form"
      onSubmit={(event: FormEvent<HTMLFormElement>) => {
        event.preventDefault();
        onSubmit(new FormData(event.currentTarget));
      }}
    >
      {children}
      <button type="submit" className="primary" disabled={busy} data-testid={testId}>
        {submit}
      </button>
    </form>
  );
}

type ChoiceProps = { label: string; name: string; titles: Readonly<Record<string, string>>; picked?: string };

/** Nothing is chosen beforehand, unless one is by far the likeliest. */
function Choice({ label, name, titles, picked = "", testId }: ChoiceProps & { testId: string }) {
  return (
    <label>
      {label}
      <select name={name} required defaultValue={picked} data-testid={testId}>
        <option value="" disabled>
          Choose…
        </option>
        {Object.entries(titles).map(([value, title]) => (
          <option key={value} value={value}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}

type TextProps = { label: string; required?: boolean; max?: number; testId: string };

function TextField({
  label,
  required = false,
  max = 512,
  testId,
  text,
  setText,
}: TextProps & Pick<FormProps, "text" | "setText">) {
  return (
    <label className="action-text">
      {label}
      <textarea
        name="text"
        rows={max > 512 ? 2 : 1}
        maxLength={max}
        required={required}
        value={text}
        onChange={(event) => setText(event.target.value)}
        data-testid={testId}
      />
    </label>
  );
}

export function HoldForm({ busy, send, text, setText }: FormProps) {
  function submit(form: FormData): void {
    const reason = String(form.get("reason") ?? "");
    if (isHoldReason(reason)) void send({ action: "hold", reason, text: orNull(text) }, "Put on hold.");
  }
  return (
    <FormShell submit="Put on hold" busy={busy} testId="hold-submit" onSubmit={submit}>
      <Choice label="What is it waiting for?" name="reason" titles={HOLD_REASONS} testId="hold-reason" />
      <TextField label="Until when, from whom (optional)" testId="hold-text" text={text} setText={setText} />
    </FormShell>
  );
}

type ResolveProps = FormProps & { reasonNeeded: boolean };

export function ResolveForm({ busy, send, text, setText, reasonNeeded }: ResolveProps) {
  function submit(form: FormData): void {
    const code = String(form.get("code") ?? "");
    const tier = Number(form.get("tier") || Number.NaN);
    const followUp = orNull(String(form.get("followUp") ?? ""));
    if (!isPickedCode(code)) return;
    const more = { ...(isTier(tier) && { tier }), ...(followUp !== null && { followUp }) };
    void send({ action: "resolve", code, text: orNull(text), ...more }, "Resolved.");
  }
  return (
    <FormShell submit="Resolve" busy={busy} testId="resolve-submit" onSubmit={submit}>
      <Choice
        label="How was it solved?"
        name="code"
        titles={RESOLUTION_CODES}
        picked={reasonNeeded ? "" : "self_recovered"}
        testId="resolve-code"
      />
      <TextField
        label={reasonNeeded ? "The fault still fires: why is it resolved all the same?" : "What was done (optional)"}
        required={reasonNeeded}
        max={4_000}
        testId="resolve-text"
        text={text}
        setText={setText}
      />
      <TierSelect label="Solved by" none="Who has it" />
      <label>
        Still to do (optional)
        <input name="followUp" maxLength={512} autoComplete="off" data-testid="resolve-follow-up" />
      </label>
    </FormShell>
  );
}

function TierSelect({ label, none, picked }: { label: string; none?: string; picked?: number }) {
  return (
    <label>
      {label}
      <select name="tier" defaultValue={picked ?? ""} data-testid="tier">
        {none !== undefined && <option value="">{none}</option>}
        {Object.entries(TIERS).map(([tier, title]) => (
          <option key={tier} value={tier}>
            {tier} {title}
          </option>
        ))}
      </select>
    </label>
  );
}

export function CancelForm({ busy, send, text, setText, reasonNeeded }: ResolveProps) {
  function submit(form: FormData): void {
    const code = String(form.get("code") ?? "");
    if (isCancelCode(code)) void send({ action: "cancel", code, text: orNull(text) }, "Cancelled.");
  }
  return (
    <FormShell submit="Cancel the incident" busy={busy} testId="cancel-submit" onSubmit={submit}>
      <Choice label="Why was it none?" name="code" titles={CANCEL_CODES} testId="cancel-code" />
      <TextField
        label={
          reasonNeeded ? "The fault still fires, and will call nobody until it gets worse: why?" : "More (optional)"
        }
        required={reasonNeeded}
        max={4_000}
        testId="cancel-text"
        text={text}
        setText={setText}
      />
    </FormShell>
  );
}

export function PriorityForm({ incident, ...props }: FormProps & { incident: Incident }) {
  const { busy, send, text, setText } = props;
  const titles = { ...Object.fromEntries(PRIORITIES.map((each) => [each, each])), auto: "As the collector finds it" };
  function submit(form: FormData): void {
    const chosen = String(form.get("priority") ?? "");
    const priority = PRIORITIES.find((each) => each === chosen) ?? null;
    void send({ action: "set_priority", priority, why: text.trim() }, `Priority of ${incident.id} changed.`);
  }
  return (
    <FormShell submit="Set priority" busy={busy} testId="priority-submit" onSubmit={submit}>
      <Choice label="Priority" name="priority" titles={titles} picked={incident.priority} testId="priority-choice" />
      <TextField label="Why?" required testId="priority-why" text={text} setText={setText} />
    </FormShell>
  );
}

type ReasonProps = FormProps & { label: string; submit: string; required?: boolean; onText: (text: string) => void };

/** Words only. */
export function ReasonForm({ label, submit, busy, text, setText, required = true, onText }: Omit<ReasonProps, "send">) {
  return (
    <FormShell submit={submit} busy={busy} testId="reason-submit" onSubmit={() => onText(text.trim())}>
      <TextField label={label} required={required} testId="reason-input" text={text} setText={setText} />
    </FormShell>
  );
}

type MergeProps = Pick<FormProps, "busy" | "send"> & {
  /** Those that may take it. */
  readonly winners: readonly Incident[];
};

export function MergeForm({ busy, send, winners }: MergeProps) {
  function submit(form: FormData): void {
    const into = String(form.get("into") ?? "");
    const winner = winners.find(({ id }) => id === into);
    if (winner !== undefined) void send({ action: "merge", into, intoVersion: winner.version }, `Merged into ${into}.`);
  }
  if (winners.length === 0) return <p className="action-form">There is no other open incident that could take it.</p>;
  const titles = Object.fromEntries(
    winners.map(({ id, priority, title, deviceName }) => [id, `${id} ${priority} ${title} (${deviceName ?? "site"})`]),
  );
  return (
    <FormShell submit="Merge" busy={busy} testId="merge-submit" onSubmit={submit}>
      <Choice label="Work goes on in" name="into" titles={titles} testId="merge-into" />
    </FormShell>
  );
}

type AssignProps = Pick<FormProps, "busy" | "send"> & { incident: Incident | null };

/** `incident` null: many, of which each keeps the group and tier that it has unless they are given. */
export function AssignForm({ incident, busy, send }: AssignProps) {
  const me = useLive((state) => state.me);
  const people = useLoad("people", api.people);
  const [to, setTo] = useState(incident?.assignee ?? "");
  const names = people.value ?? [];
  const assign = (name: string | null, more: { group?: string | null; tier?: 0 | 1 | 2 | 3 | 4 } = {}): void => {
    const whom = name ?? (more.group ? `group ${more.group}` : "nobody");
    void send({ action: "assign", to: name, ...more }, `Assigned to ${whom}.`);
  };
  function submit(form: FormData): void {
    const group = String(form.get("group") ?? "").trim();
    const tier = Number(form.get("tier") || Number.NaN);
    const groupChanged = group !== (incident?.group ?? "");
    assign(orNull(to), {
      ...(groupChanged && { group: orNull(group) }),
      ...(isTier(tier) && tier !== incident?.tier && { tier }),
    });
  }
  return (
    <FormShell submit="Assign" busy={busy} testId="assign-submit" onSubmit={submit}>
      <label>
        Assign to
        <select value={to} onChange={(event) => setTo(event.target.value)} data-testid="assign-to">
          <option value="">Nobody</option>
          {to !== "" && !names.includes(to) && <option value={to}>{to}</option>}
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        Group (optional)
        <input name="group" maxLength={128} defaultValue={incident?.group ?? ""} autoComplete="off" />
      </label>
      {incident === null ? (
        <TierSelect label="Tier" none="As it is" />
      ) : (
        <TierSelect label="Tier" picked={incident.tier} />
      )}
      {me !== null && (
        <button type="button" disabled={busy} onClick={() => assign(me.name)} data-testid="assign-me">
          Assign to me
        </button>
      )}
    </FormShell>
  );
}
