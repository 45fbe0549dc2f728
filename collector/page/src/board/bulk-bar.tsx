/** What may be done to all marked incidents at once; each is acted on by itself, and those that refuse are named. */
import { type Ref, useState } from "react";
import type { Incident, IncidentAction } from "../api/types.ts";
import { AssignForm, CancelForm, HoldForm, MergeForm, ReasonForm, ResolveForm } from "../incident/action-forms.tsx";
import { needsReason } from "../incident/actions.ts";
import { performMany, type Refused } from "../incident/perform.ts";
import { plural } from "../ui/format.ts";
import { notify } from "../ui/notice.tsx";

const FORMS = ["assign", "hold", "resolve", "cancel", "merge", "note"] as const;
type FormName = (typeof FORMS)[number];

const TITLES: Readonly<Record<FormName, string>> = {
  assign: "Assign…",
  hold: "Hold…",
  resolve: "Resolve…",
  cancel: "Cancel…",
  merge: "Merge…",
  note: "Note…",
};

type Props = {
  readonly incidents: readonly Incident[];
  /** Those that refused stay marked. */
  readonly keep: (ids: readonly string[]) => void;
  readonly firstButton: Ref<HTMLButtonElement>;
};

/** Of refusals that are listed one by one; the rest is a number. */
const REFUSED_SHOWN = 8;

export function BulkBar({ incidents, keep, firstButton }: Props) {
  const [form, setForm] = useState<FormName | null>(null);
  const [busy, setBusy] = useState(false);
  const [text, setText] = useState("");
  const [refused, setRefused] = useState<readonly Refused[]>([]);

  async function send(action: IncidentAction): Promise<boolean> {
    setBusy(true);
    // One can't be merged into itself.
    const targets = action.action === "merge" ? incidents.filter(({ id }) => id !== action.into) : incidents;
    const found = await performMany(targets, action);
    setBusy(false);
    if (found === null) return false;
    setRefused(found);
    notify(`${plural(targets.length - found.length, "incident")} done, ${found.length} refused.`, found.length > 0);
    keep(found.map(({ incident }) => incident.id));
    if (found.length === 0) {
      setForm(null);
      setText("");
    }
    return found.length === 0;
  }

  const props = { busy, send, text, setText };
  const reasonNeeded = incidents.some(needsReason);
  return (
    <section className="bulk" aria-label="Actions on the marked incidents" data-testid="bulk">
      <div className="bulk-buttons">
        <strong role="status">{plural(incidents.length, "incident")} marked</strong>
        <button
          ref={firstButton}
          type="button"
          disabled={busy}
          data-testid="bulk-acknowledge"
          onClick={() => void send({ action: "acknowledge" })}
        >
          Acknowledge
        </button>
        <button type="button" disabled={busy} data-testid="bulk-start" onClick={() => void send({ action: "start" })}>
          Start work
        </button>
        {FORMS.map((name) => (
          <button
            key={name}
            type="button"
            aria-expanded={form === name}
            data-testid={`bulk-${name}`}
            onClick={() => setForm(form === name ? null : name)}
          >
            {TITLES[name]}
          </button>
        ))}
        <button type="button" data-testid="bulk-clear" onClick={() => keep([])}>
          Unmark all
        </button>
      </div>
      {form === "assign" && <AssignForm incident={null} {...props} />}
      {form === "hold" && <HoldForm {...props} />}
      {form === "resolve" && <ResolveForm reasonNeeded={reasonNeeded} {...props} />}
      {form === "cancel" && <CancelForm reasonNeeded={reasonNeeded} {...props} />}
      {form === "merge" && <MergeForm winners={incidents} {...props} />}
      {form === "note" && (
        <ReasonForm
          label="Note for each of them"
          submit="Add note"
          onText={(note) => void send({ action: "note", text: note })}
          {...props}
        />
      )}
      {refused.length > 0 && (
        <ul className="bulk-refused" aria-label="Refused" data-testid="bulk-refused">
          {refused.slice(0, REFUSED_SHOWN).map(({ incident, message }) => (
            <li key={incident.id}>
              {incident.title}: {message}
            </li>
          ))}
          {refused.length > REFUSED_SHOWN && <li>and {refused.length - REFUSED_SHOWN} more.</li>}
        </ul>
      )}
    </section>
  );
}
