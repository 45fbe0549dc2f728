import { useState } from "react";
import { type Incident, type IncidentAction, isOpen } from "../api/types.ts";
import { live, useLive } from "../api/use-live.ts";
import { notify } from "../ui/notice.tsx";
import {
  AssignForm,
  CancelForm,
  HoldForm,
  MergeForm,
  PriorityForm,
  ReasonForm,
  ResolveForm,
  type Send,
} from "./action-forms.tsx";
import { type ActionName, actionsOf, needsReason, takesNotes } from "./actions.ts";
import { perform } from "./perform.ts";

type Props = { incident: Incident; onDone: () => void };

/** Actions that need words first; each has its form. */
const WITH_FORM = ["assign", "hold", "resolve", "reopen", "review", "priority", "merge", "cancel"] as const;
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
  review: "Reviewed",
  priority: "Priority",
  merge: "Merge",
  split: "Split off",
  cancel: "Cancel",
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
  /** Of whatever form is open: it stays when somebody else's action takes the form away. */
  const [text, setText] = useState("");
  const [note, setNote] = useState("");
  const allowed = actionsOf(incident);
  const shown = form !== null && allowed.includes(form) ? form : null;
  const isStranded = form !== null && shown === null && text.trim() !== "";

  async function send(action: IncidentAction, done: string): Promise<boolean> {
    setBusy(true);
    const ok = await perform(incident, action);
    setBusy(false);
    if (ok) {
      if (action.action !== "note") {
        setForm(null);
        setText("");
      }
      notify(done);
    }
    onDone();
    return ok;
  }

  function choose(action: ActionName): void {
    if (hasForm(action)) setForm(shown === action ? null : action);
    else void send({ action }, DONE[action]);
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
      {shown !== null && <ShownForm name={shown} {...{ incident, busy, send, text, setText }} />}
      {isStranded && takesNotes(incident) && (
        <div className="action-form" role="status" data-testid="stranded">
          <p className="action-text">
            The incident moved on, so this is not open to you any more. What you typed is still here: “{text.trim()}”
          </p>
          <button
            type="button"
            onClick={() => {
              setNote(note.trim() === "" ? text : `${note.trim()}\n${text}`);
              setText("");
              setForm(null);
            }}
          >
            Make it a note
          </button>
          <button
            type="button"
            onClick={() => {
              setText("");
              setForm(null);
            }}
          >
            Discard
          </button>
        </div>
      )}
      {takesNotes(incident) && <NoteForm busy={busy} send={send} text={note} setText={setNote} />}
    </section>
  );
}

type ShownProps = {
  name: FormName;
  incident: Incident;
  busy: boolean;
  send: Send;
  text: string;
  setText: (text: string) => void;
};

function ShownForm({ name, incident, ...props }: ShownProps) {
  const { send } = props;
  const reasonNeeded = needsReason(incident);
  switch (name) {
    case "assign":
      return <AssignForm incident={incident} {...props} />;
    case "hold":
      return <HoldForm {...props} />;
    case "resolve":
      return <ResolveForm reasonNeeded={reasonNeeded} {...props} />;
    case "cancel":
      return <CancelForm reasonNeeded={reasonNeeded} {...props} />;
    case "priority":
      return <PriorityForm incident={incident} {...props} />;
    case "merge":
      return <MergeForm winners={winnersOf(incident)} {...props} />;
    case "review":
      return (
        <ReasonForm
          label="Why does it cure itself? (optional)"
          submit="Reviewed"
          required={false}
          onText={(why) => void send({ action: "review", text: why === "" ? null : why }, "Reviewed.")}
          {...props}
        />
      );
    case "reopen":
      return (
        <ReasonForm
          label="Why is it not solved?"
          submit="Reopen"
          onText={(why) => void send({ action: "reopen", why }, "Reopened.")}
          {...props}
        />
      );
    default:
      return name satisfies never;
  }
}

/** More than these nobody looks through; the likeliest stand first. */
const WINNERS_MAX = 100;

/** Open ones of its site, and those that hang behind the same thing; of the same device first. */
function winnersOf(incident: Incident): Incident[] {
  const { site, device } = incident.subject;
  return [...live.get().incidents.entries.values()]
    .map((entry) => entry.incident)
    .filter((one) => one.id !== incident.id && isOpen(one))
    .filter(
      (one) => one.subject.site === site || (one.suppressedBy !== null && one.suppressedBy === incident.suppressedBy),
    )
    .sort((a, b) => Number(b.subject.device === device) - Number(a.subject.device === device) || a.onset - b.onset)
    .slice(0, WINNERS_MAX);
}

const DONE: Readonly<Record<Exclude<ActionName, FormName>, string>> = {
  acknowledge: "Acknowledged.",
  start: "Work started.",
  resume: "Resumed.",
  close: "Closed.",
  split: "It stands for itself again.",
};

/** Keeps what was typed until it is saved, whatever happens to the incident meanwhile. */
function NoteForm({ busy, send, text, setText }: Pick<ShownProps, "busy" | "send" | "text" | "setText">) {
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
