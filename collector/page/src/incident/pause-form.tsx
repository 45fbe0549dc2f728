/** A pause that nobody had entered when it was one: the clocks are read again as if somebody had. */
import { type FormEvent, useState } from "react";
import type { Incident } from "../api/types.ts";
import { notify } from "../ui/notice.tsx";
import { HOLD_REASONS, isHoldReason } from "./actions.ts";
import { perform } from "./perform.ts";
import "./action-forms.css";

/** As `<input type="datetime-local">` has it, by the clock of the browser. */
const atOf = (text: FormDataEntryValue | null): number => new Date(typeof text === "string" ? text : "").getTime();

export function PauseForm({ incident, onDone }: { incident: Incident; onDone: () => void }) {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const [from, to, reason] = [atOf(given.get("from")), atOf(given.get("to")), String(given.get("reason"))];
    if (Number.isNaN(from) || Number.isNaN(to) || !isHoldReason(reason)) return;
    setBusy(true);
    const ok = await perform(incident, { action: "claim_pause", from, to, reason, text: text.trim() });
    setBusy(false);
    if (ok) {
      form.reset();
      setText("");
      notify("The clocks are read again.");
    }
    onDone();
  }

  return (
    <details className="escalate">
      <summary data-testid="pause-open">It waited, and nobody had said so</summary>
      <form className="action-form" onSubmit={(event) => void submit(event)}>
        <label>
          From (your clock)
          <input type="datetime-local" step={1} name="from" required data-testid="pause-from" />
        </label>
        <label>
          Until
          <input type="datetime-local" step={1} name="to" required data-testid="pause-to" />
        </label>
        <label>
          For
          <select name="reason" required defaultValue="" data-testid="pause-reason">
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
          What happened?
          <input
            required
            maxLength={512}
            value={text}
            data-testid="pause-text"
            onChange={(event) => setText(event.target.value)}
          />
        </label>
        <button type="submit" className="primary" disabled={busy || text.trim() === ""} data-testid="pause-submit">
          Claim the pause
        </button>
      </form>
    </details>
  );
}
