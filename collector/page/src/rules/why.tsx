import { useState } from "react";
import type { Explanation, Incident, Rule } from "../api/types.ts";
import { api, useLoad, useNow } from "../api/use-live.ts";
import { Segments } from "../ui/filter-fields.tsx";
import { exactAge, measure, sentence, timeText } from "../ui/format.ts";
import { LoadState } from "../ui/load-state.tsx";
import "./why.css";

export type WhySubject = { readonly site: string; readonly device: string | null; readonly component: string | null };

/** Why one rule fires on a subject, or does not, now or at a time. */
function Explained({ rule, subject, at }: { rule: string; subject: WhySubject; at: number | null }) {
  const { site, device, component } = subject;
  const loaded = useLoad(
    `why ${rule} ${site} ${device} ${component} ${at}`,
    () =>
      api.explain(rule, {
        site,
        ...(device !== null && { device }),
        ...(component !== null && { component }),
        ...(at !== null && { at }),
      }),
    (event) => at === null && event.type === "values" && event.site === site && event.devices.includes(device ?? ""),
  );
  if (loaded.value === null) return <LoadState loaded={loaded} what="the rule's conditions" />;
  const found = loaded.value;
  return (
    <div className="why" data-testid="why" data-state={found.state}>
      <p className="why-summary">{found.summary}</p>
      {found.conditions.map((condition) => (
        <Condition key={condition.severity ?? "clear"} condition={condition} at={found.at} />
      ))}
      <Facts found={found} />
    </div>
  );
}

type ConditionProps = { condition: Explanation["conditions"][number]; at: number };

function Condition({ condition, at }: ConditionProps) {
  const { severity, holds, since, forMs, dueAt, terms } = condition;
  const name = severity === null ? "Clear" : sentence(severity);
  return (
    <table className="why-terms" aria-label={`${name}: ${condition.when}`}>
      <caption>
        <strong>{name}</strong> <Truth value={holds} />
        {since !== null && ` for ${exactAge(at - since)}`}
        {dueAt !== null && <span className="muted"> of {exactAge(forMs)}</span>}
        {since === null && forMs > 0 && <span className="muted"> (must hold for {exactAge(forMs)})</span>}
        {dueAt !== null && (
          <span className="muted">
            ; {severity === null ? "over" : "fires"} in {exactAge(dueAt - at)}
          </span>
        )}
      </caption>
      <thead className="visually-hidden">
        <tr>
          <th scope="col">Part</th>
          <th scope="col">Value</th>
          <th scope="col">Read</th>
        </tr>
      </thead>
      <tbody>
        {terms.map((term, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a part of a condition has no other name than its place.
          <tr key={index}>
            <th scope="row">
              <code style={{ paddingInlineStart: `${Math.min(term.depth, DEPTH_SHOWN)}rem` }}>{term.text}</code>
            </th>
            <td className="why-value">
              {typeof term.value === "number" ? measure(term.value, term.unit) : <Truth value={term.value} />}
            </td>
            <td className="muted">
              {[term.note, ...term.readings.slice(0, READINGS_SHOWN).map((reading) => readingText(reading, at))]
                .filter((text) => text !== "")
                .join("; ")}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Deeper parts are not moved further to the side: a condition of many terms leans left in its tree. */
const DEPTH_SHOWN = 6;
const READINGS_SHOWN = 4;

function Truth({ value }: { value: boolean | null }) {
  const text = value === null ? "unknown" : String(value);
  return (
    <span className="why-truth" data-value={text}>
      {text}
    </span>
  );
}

type Reading = ConditionProps["condition"]["terms"][number]["readings"][number];

function readingText({ component, value, at: readAt, isStale }: Reading, at: number): string {
  const which = component === null ? "" : `${component} ${value}, `;
  return `${which}${isStale ? `${value}, too old: ` : ""}${exactAge(Math.max(0, at - readAt))} before`;
}

function Facts({ found }: { found: Explanation }) {
  const now = useNow();
  return (
    <>
      <dl className="why-facts">
        {found.facts.map(({ name, text }) => (
          <div key={name}>
            <dt>{sentence(name)}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      {found.replayedFrom !== null && (
        <p className="muted">
          Judged once more from readings stored since {timeText(found.replayedFrom, now)}, with the rules of today.
        </p>
      )}
      {found.caveats.map((caveat) => (
        <p key={caveat} className="why-caveat">
          {caveat}
        </p>
      ))}
    </>
  );
}

/** On the page of an incident: its rule now, and as it was when the incident was opened. */
export function WhyIncident({ incident }: { incident: Incident }) {
  const [time, setTime] = useState<"now" | "then">("now");
  return (
    <section className="panel" aria-labelledby="why-title">
      <div className="why-bar">
        <h2 id="why-title">Why</h2>
        <span className="id">{incident.rule}</span>
        <Segments
          label="Time"
          options={["now", "then"]}
          chosen={time}
          choose={setTime}
          show={(one) => (one === "now" ? "Now" : "When it opened")}
        />
      </div>
      <Explained rule={incident.rule} subject={incident.subject} at={time === "then" ? incident.openedAt : null} />
    </section>
  );
}

/** On the page of a device: any rule that looks at it, and why it does not fire. */
export function WhyDevice({ site, device, components, firing }: WhyDeviceProps) {
  const rules = useLoad(
    `rules ${site} ${device}`,
    () => api.rules({ site, device }),
    (event) => event.type === "rules",
  );
  const [chosen, setChosen] = useState<string | null>(null);
  const [part, setPart] = useState<string | null>(null);
  const [time, setTime] = useState("");
  if (rules.value === null || rules.value.length === 0) return null;
  const active = new Set(firing);
  const listed = rules.value.toSorted((a, b) => rank(a, active) - rank(b, active) || a.id.localeCompare(b.id));
  const rule = listed.find(({ id }) => id === chosen) ?? listed[0];
  if (rule === undefined) return null;
  const isOfPart = rule.scope === "component";
  const component = isOfPart ? (part ?? components[0] ?? null) : null;
  const at = time === "" ? null : Date.parse(time);
  return (
    <section className="panel" aria-labelledby="why-title">
      <div className="why-bar">
        <h2 id="why-title">Why</h2>
        <label>
          <span className="visually-hidden">Rule</span>
          <select value={rule.id} onChange={(event) => setChosen(event.target.value)}>
            {listed.map(({ id }) => (
              <option key={id} value={id}>
                {active.has(id) ? "▲ " : ""}
                {id}
              </option>
            ))}
          </select>
        </label>
        {isOfPart && components.length > 0 && (
          <label>
            <span className="visually-hidden">Component</span>
            <select value={component ?? ""} onChange={(event) => setPart(event.target.value)}>
              {components.map((each) => (
                <option key={each} value={each}>
                  {each}
                </option>
              ))}
            </select>
          </label>
        )}
        <label className="why-time">
          <span>At</span>
          <input type="datetime-local" value={time} step={1} onChange={(event) => setTime(event.target.value)} />
          {time !== "" && (
            <button type="button" onClick={() => setTime("")}>
              Now
            </button>
          )}
        </label>
      </div>
      <Explained
        rule={rule.id}
        subject={{ site, device, component }}
        at={at !== null && Number.isNaN(at) ? null : at}
      />
    </section>
  );
}

type WhyDeviceProps = {
  site: string;
  device: string;
  components: readonly string[];
  /** Rules with a fault on it. */
  firing: readonly string[];
};

const rank = ({ id, scope }: Rule, active: ReadonlySet<string>): number =>
  active.has(id) ? 0 : scope === "device" ? 1 : 2;
