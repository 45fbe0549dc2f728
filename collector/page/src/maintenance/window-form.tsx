/** Plans a window, or changes one. What is wrong is said at its field, and the first of them gets the focus. */
import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import type { MaintenanceWindow } from "../api/types.ts";
import { api, useLoad, useNow } from "../api/use-live.ts";
import { timeText } from "../ui/format.ts";
import { isKnownKind, KINDS, kindTitle } from "../ui/kinds.ts";
import { notify } from "../ui/notice.tsx";
import {
  ALL_SITES,
  EMPTY_FORM,
  FIELDS,
  type Field,
  type Form,
  formOf,
  type Mistakes,
  type Mode,
  mistakesOf,
  previewOf,
  requestOf,
} from "./form.ts";
import { DAY_NAMES, DAYS, whenText, whereText } from "./windows.ts";

/** Hours that are offered; the command line takes any. */
const HOURS = [0.5, 1, 2, 4, 8, 24] as const;
const MODES: Readonly<Record<Mode, string>> = { now: "From now on", once: "Once", weekly: "Every week" };

type Props = {
  /** The window that is changed; null: a new one. */
  readonly window: MaintenanceWindow | null;
  readonly onDone: () => void;
};

export function WindowForm({ window, onDone }: Props) {
  const [form, setForm] = useState<Form>(() => (window === null ? EMPTY_FORM : (formOf(window) ?? EMPTY_FORM)));
  const [isTried, setTried] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const now = useNow();
  const element = useRef<HTMLFormElement>(null);
  const site = form.site === ALL_SITES ? "" : form.site;
  const devices = useLoad(`devices-of-${site}`, () => (site === "" ? NOTHING : api.devices(site)));
  const known = { nowMs: now, devices: site === "" ? null : (devices.value?.map(({ id }) => id) ?? null) };
  const mistakes = isTried ? mistakesOf(form, known) : {};
  const change = (some: Partial<Form>): void => setForm((old) => ({ ...old, ...some }));

  useEffect(() => {
    if (window !== null) element.current?.querySelector<HTMLElement>("select, input")?.focus();
  }, [window]);

  async function send(event: FormEvent): Promise<void> {
    event.preventDefault();
    setTried(true);
    const found = mistakesOf(form, known);
    const first = FIELDS.find((field) => found[field] !== undefined);
    if (first !== undefined) {
      element.current?.querySelector<HTMLElement>(`[data-field="${first}"]`)?.focus();
      return;
    }
    setBusy(true);
    const request = requestOf(form, now);
    const answer = await (window === null ? api.addMaintenance(request) : api.changeMaintenance(window.id, request));
    setBusy(false);
    notify(answer.ok ? doneText(window, answer.value) : answer.error.message, !answer.ok);
    if (!answer.ok) return;
    setTried(false);
    setForm(EMPTY_FORM);
    onDone();
  }

  const preview = previewOf(form, now);
  const parts = { form, change, mistakes };
  return (
    <form
      ref={element}
      noValidate
      className="panel maintenance-form"
      aria-label={window === null ? "Plan maintenance" : `Change ${window.reason}`}
      data-testid="maintenance-form"
      onSubmit={(event) => void send(event)}
    >
      <h2>{window === null ? "Plan maintenance" : "Change maintenance"}</h2>
      <Where {...parts} devices={known.devices ?? []} />
      <When {...parts} isNew={window === null} />
      <TextField {...parts} field="reason" label="Why" maxLength={500} testId="maintenance-reason" wide />
      <output className="maintenance-preview">
        {preview === null ? "" : `Nobody is called: ${whenText(preview, (at) => timeText(at, now))}.`}
      </output>
      <div className="maintenance-buttons">
        <button type="submit" className="primary" disabled={isBusy}>
          {window !== null ? "Save" : form.mode === "now" ? "Start" : "Plan"}
        </button>
        {window !== null && (
          <button type="button" onClick={onDone}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}

const NOTHING: ReturnType<typeof api.devices> = Promise.resolve({ ok: true, value: [] });

function doneText(before: MaintenanceWindow | null, { state }: MaintenanceWindow): string {
  if (before !== null) return "Saved.";
  return state === "running" ? "From now on nobody is called." : "Planned.";
}

type Parts = {
  readonly form: Form;
  readonly change: (some: Partial<Form>) => void;
  readonly mistakes: Mistakes;
};

function Where({ form, change, mistakes, devices }: Parts & { devices: readonly string[] }) {
  const sites = useLoad("sites", api.sites);
  const list = useId();
  if (form.kept !== null) {
    return (
      <p className="maintenance-kept">
        <span className="muted">Where</span> {whereText({ where: form.kept })}
      </p>
    );
  }
  return (
    <>
      <Labelled label="Site" field="site" mistake={mistakes.site}>
        {(attributes) => (
          <select
            {...attributes}
            value={form.site}
            onChange={(event) => change({ site: event.target.value })}
            data-testid="maintenance-site"
          >
            <option value="">Choose</option>
            <option value={ALL_SITES}>All sites</option>
            {(sites.value ?? []).map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </select>
        )}
      </Labelled>
      <Labelled label="Kind" field="kind" mistake={mistakes.kind}>
        {(attributes) => (
          <select
            {...attributes}
            value={form.kind}
            onChange={({ target: { value } }) => change({ kind: isKnownKind(value) ? value : "" })}
          >
            <option value="">Any</option>
            {KINDS.map((kind) => (
              <option key={kind} value={kind}>
                {kindTitle(kind)}
              </option>
            ))}
          </select>
        )}
      </Labelled>
      <TextField
        {...{ form, change, mistakes }}
        field="device"
        label="Device (all when empty)"
        maxLength={128}
        list={list}
      />
      <datalist id={list}>
        {devices.map((id) => (
          <option key={id} value={id} />
        ))}
      </datalist>
    </>
  );
}

function When({ form, change, mistakes, isNew }: Parts & { isNew: boolean }) {
  const modes: readonly Mode[] = isNew ? ["now", "once", "weekly"] : ["once", "weekly"];
  const parts = { form, change, mistakes };
  return (
    <>
      <fieldset className="maintenance-mode">
        <legend>When</legend>
        <div className="segments">
          {modes.map((mode) => (
            <label key={mode}>
              <input
                type="radio"
                name="mode"
                className="visually-hidden"
                checked={form.mode === mode}
                onChange={() => change({ mode })}
              />
              <span>{MODES[mode]}</span>
            </label>
          ))}
        </div>
      </fieldset>
      {form.mode === "now" && (
        <label className="maintenance-field">
          For
          <select value={form.hours} onChange={(event) => change({ hours: Number(event.target.value) })}>
            {HOURS.map((each) => (
              <option key={each} value={each}>
                {each < 1 ? "30 minutes" : each === 1 ? "1 hour" : `${each} hours`}
              </option>
            ))}
          </select>
        </label>
      )}
      {form.mode === "once" && (
        <>
          <TextField {...parts} field="from" label="Begins (your clock)" type="datetime-local" />
          <TextField {...parts} field="to" label="Ends (your clock)" type="datetime-local" />
        </>
      )}
      {form.mode === "weekly" && <Weekly {...parts} />}
    </>
  );
}

function Weekly({ form, change, mistakes }: Parts) {
  const parts = { form, change, mistakes };
  const id = useId();
  return (
    <>
      <fieldset className="maintenance-days" aria-describedby={mistakes.days === undefined ? undefined : id}>
        <legend>Days</legend>
        <div>
          {DAYS.map((day, i) => (
            <label key={day}>
              <input
                type="checkbox"
                checked={form.days.includes(day)}
                aria-invalid={mistakes.days !== undefined}
                data-field={i === 0 ? "days" : undefined}
                onChange={({ target: { checked } }) =>
                  change({ days: checked ? [...form.days, day] : form.days.filter((each) => each !== day) })
                }
              />
              {DAY_NAMES[day]}
            </label>
          ))}
        </div>
        <Mistake id={id} text={mistakes.days} />
      </fieldset>
      <TextField {...parts} field="begins" label="From" type="time" />
      <TextField {...parts} field="ends" label="To" type="time" />
      <TextField {...parts} field="zone" label="Time zone (each store's when empty)" maxLength={64} />
    </>
  );
}

type TextName = "device" | "from" | "to" | "begins" | "ends" | "zone" | "reason";

function TextField({
  form,
  change,
  mistakes,
  ...field
}: Parts & {
  readonly field: TextName;
  readonly label: string;
  readonly type?: "text" | "datetime-local" | "time";
  readonly maxLength?: number;
  readonly list?: string;
  readonly testId?: string;
  readonly wide?: boolean;
}) {
  const { field: name, label, type = "text", maxLength, list, testId, wide = false } = field;
  return (
    <Labelled label={label} field={name} mistake={mistakes[name]} wide={wide}>
      {(attributes) => (
        <input
          {...attributes}
          {...(maxLength !== undefined && { maxLength })}
          {...(list !== undefined && { list })}
          {...(testId !== undefined && { "data-testid": testId })}
          type={type}
          value={form[name]}
          onChange={(event) => change({ [name]: event.target.value })}
        />
      )}
    </Labelled>
  );
}

type Attributes = {
  readonly id: string;
  readonly "data-field": Field;
  readonly "aria-invalid": boolean;
  readonly "aria-describedby"?: string;
};

function Labelled({
  label,
  field,
  mistake,
  wide = false,
  children,
}: {
  readonly label: string;
  readonly field: Field;
  readonly mistake: string | undefined;
  readonly wide?: boolean;
  readonly children: (attributes: Attributes) => ReactNode;
}) {
  const id = useId();
  const described = mistake === undefined ? {} : { "aria-describedby": id };
  return (
    <div className="maintenance-field" data-wide={wide}>
      <label htmlFor={`${id}-field`}>
        {label}
        {children({ id: `${id}-field`, "data-field": field, "aria-invalid": mistake !== undefined, ...described })}
      </label>
      <Mistake id={id} text={mistake} />
    </div>
  );
}

/** Outside of the label: a mistake is no part of a field's name. */
const Mistake = ({ id, text }: { id: string; text: string | undefined }) =>
  text === undefined ? null : (
    <span id={id} className="maintenance-mistake">
      {text}
    </span>
  );
