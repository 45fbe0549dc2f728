import { type FormEvent, useState } from "react";
import type { Incident, IncidentAction } from "../api/types.ts";
import { api, useLive, useLoad } from "../api/use-live.ts";
import { notify } from "../ui/notice.tsx";
import {
  type ActionName,
  actionsOf,
  HOLD_REASONS,
  isHoldReason,
  isPickedCode,
  needsReason,
  RESOLUTION_CODES,
  takesNotes,
} from "./actions.ts";
import { perform } from "./perform.ts";

type Props = { incident: Incident; onDone: () => void };

/** Actions that need words first; each has its form. */
const WITH_FORM = ["assign", "hold", "resolve", "reopen"] as const;
type FormName = (typeof WITH_FORM)[number];
const hasForm = (action: ActionName): action is FormName => WITH_FORM.some((each) => each === action);

const TITLES: Readonly<Record<ActionName, string>> = {
  acknowledge: "Acknowledge",
  assign: "Assign",
  start: "Start work",
  hold: "Put on hold",
  resume: "Resume",
  resolve: "Resolve",
  reopen: "Reopen",
  close: "Close",
};

/** The next step in the usual course is the one that stands out. */
const NEXT: Readonly<Partial<Record<Incident["state"], ActionName>>> = {
  new: "acknowledge",
  acknowledged: "start",
  in_progress: "resolve",
  on_hold: "resume",
  resolved: "close",
};

export function ActionBar({ incident, onDone }: Props) {
  const me = useLive((state) => state.me);
  const [form, setForm] = useState<FormName | null>(null);
  const [busy, setBusy] = useState(false);
  const allowed = actionsOf(incident);
  // Somebody else moved the incident on: a form that no longer applies goes away.
  const shown = form !== null && allowed.includes(form) ? form : null;

  async function send(action: IncidentAction, done: string): Promise<boolean> {
    setBusy(true);
    const ok = await perform(incident, action);
    setBusy(false);
    if (ok) {
      setForm(null);
      notify(done);
    }
    onDone();
    return ok;
  }

  function choose(action: ActionName): void {
    if (hasForm(action)) {
      setForm(shown === action ? null : action);
      return;
    }
    void send({ action }, DONE[action]);
  }

  if (me?.role === "viewer")
    return <p className="panel actions-none">You may look but not act: your role is viewer.</p>;
  return (
    <section className="panel actions" aria-label="Actions">
      <div className="actions-buttons">
        {allowed.map((action) => (
          <button
            key={action}
            type="button"
            className={NEXT[incident.state] === action ? "primary" : ""}
            data-testid={`action-${action}`}
            aria-expanded={hasForm(action) ? shown === action : undefined}
            disabled={busy}
            onClick={() => choose(action)}
          >
            {TITLES[action]}
          </button>
        ))}
      </div>
      {shown === "assign" && <AssignForm incident={incident} busy={busy} send={send} />}
      {shown === "resolve" && <ResolveForm incident={incident} busy={busy} send={send} />}
      {shown === "hold" && <HoldForm busy={busy} send={send} />}
      {shown === "reopen" && (
        <ReasonForm
          label="Why is it not solved?"
          submit="Reopen"
          busy={busy}
          send={(why) => send({ action: "reopen", why }, "Reopened.")}
        />
      )}
      {takesNotes(incident) && <NoteForm busy={busy} send={send} />}
    </section>
  );
}

const DONE: Readonly<Record<Exclude<ActionName, FormName>, string>> = {
  acknowledge: "Acknowledged.",
  start: "Work started.",
  resume: "Resumed.",
  close: "Closed.",
};

type Send = (action: IncidentAction, done: string) => Promise<boolean>;

function AssignForm({ incident, busy, send }: { incident: Incident; busy: boolean; send: Send }) {
  const me = useLive((state) => state.me);
  const people = useLoad("people", api.people);
  const [to, setTo] = useState(incident.assignee ?? "");
  const names = people.value ?? [];
  const assign = (name: string | null): void => {
    void send({ action: "assign", to: name }, name === null ? "Assigned to nobody." : `Assigned to ${name}.`);
  };
  return (
    <form
      className="action-form"
      onSubmit={(event) => {
        event.preventDefault();
        assign(to === "" ? null : to);
      }}
    >
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
      <button type="submit" className="primary" disabled={busy} data-testid="assign-submit">
        Assign
      </button>
      {me !== null && (
        <button type="button" disabled={busy} onClick={() => assign(me.name)} data-testid="assign-me">
          Assign to me
        </button>
      )}
    </form>
  );
}

function ResolveForm({ incident, busy, send }: { incident: Incident; busy: boolean; send: Send }) {
  const reasonNeeded = needsReason(incident);
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const code = String(form.get("code") ?? "");
    const text = String(form.get("text") ?? "").trim();
    if (!isPickedCode(code)) return;
    void send({ action: "resolve", code, text: text === "" ? null : text }, "Resolved.");
  }
  return (
    <form className="action-form" onSubmit={submit}>
      <label>
        How was it solved?
        <select name="code" required defaultValue={reasonNeeded ? "" : "self_recovered"} data-testid="resolve-code">
          <option value="" disabled>
            Choose…
          </option>
          {Object.entries(RESOLUTION_CODES).map(([code, title]) => (
            <option key={code} value={code}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label className="action-text">
        {reasonNeeded ? "The fault still fires: why is it resolved all the same?" : "What was done (optional)"}
        <textarea name="text" rows={2} maxLength={4000} required={reasonNeeded} data-testid="resolve-text" />
      </label>
      <button type="submit" className="primary" disabled={busy} data-testid="resolve-submit">
        Resolve
      </button>
    </form>
  );
}

function HoldForm({ busy, send }: { busy: boolean; send: Send }) {
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const reason = String(form.get("reason") ?? "");
    const text = String(form.get("text") ?? "").trim();
    if (!isHoldReason(reason)) return;
    void send({ action: "hold", reason, text: text === "" ? null : text }, "Put on hold.");
  }
  return (
    <form className="action-form" onSubmit={submit}>
      <label>
        What is it waiting for?
        <select name="reason" required defaultValue="" data-testid="hold-reason">
          <option value="" disabled>
            Choose…
          </option>
          {Object.entries(HOLD_REASONS).map(([reason, title]) => (
            <option key={reason} value={reason}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label className="action-text">
        Until when, from whom (optional)
        <input name="text" maxLength={512} autoComplete="off" data-testid="hold-text" />
      </label>
      <button type="submit" className="primary" disabled={busy} data-testid="hold-submit">
        Put on hold
      </button>
    </form>
  );
}

type ReasonProps = { label: string; submit: string; busy: boolean; send: (text: string) => Promise<boolean> };

function ReasonForm({ label, submit, busy, send }: ReasonProps) {
  function onSubmit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget).get("text") ?? "").trim();
    if (text !== "") void send(text);
  }
  return (
    <form className="action-form" onSubmit={onSubmit}>
      <label className="action-text">
        {label}
        <input name="text" required maxLength={512} autoComplete="off" data-testid="reason-input" />
      </label>
      <button type="submit" className="primary" disabled={busy}>
        {submit}
      </button>
    </form>
  );
}

/** Keeps what was typed until it is saved, whatever happens to the incident meanwhile. */
function NoteForm({ busy, send }: { busy: boolean; send: Send }) {
  const [text, setText] = useState("");
  async function submit(): Promise<void> {
    const note = text.trim();
    if (note !== "" && (await send({ action: "note", text: note }, "Note added."))) setText("");
  }
  return (
    <form
      className="action-form note-form"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <label className="action-text">
        <span className="visually-hidden">Note</span>
        <textarea
          rows={1}
          placeholder="Write a note…"
          maxLength={4000}
          value={text}
          data-testid="note-input"
          onChange={(event) => setText(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            void submit();
          }}
        />
      </label>
      <button type="submit" disabled={busy || text.trim() === ""} data-testid="note-submit">
        Add note
      </button>
    </form>
  );
}
