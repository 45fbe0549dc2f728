/** How the clocks of an incident stand, and who is asked next when it does not move. */
import { type FormEvent, useState } from "react";
import { type Incident, type IncidentDetail, isOpen } from "../api/types.ts";
import { useLive, useNow } from "../api/use-live.ts";
import { SiteTime } from "../ui/age.tsx";
import { CLOCK_TITLES, clockText, dueTone, latestClocks, leftText, type SlaClock, targetText } from "../ui/due.ts";
import { notify } from "../ui/notice.tsx";
import { isTier, TIERS, takesNotes, tierTitle } from "./actions.ts";
import { PauseForm } from "./pause-form.tsx";
import { perform } from "./perform.ts";
import "./action-forms.css";
import "./standing.css";

type ServiceLevelProps = Pick<IncidentDetail, "clocks" | "contract" | "penalty"> & {
  incident: Incident;
  timeZone: string | undefined;
  onDone: () => void;
};

export function ServiceLevel({ incident, clocks, contract, penalty, timeZone, onDone }: ServiceLevelProps) {
  const me = useLive((state) => state.me);
  const shown = latestClocks(clocks);
  if (shown.length === 0) return null;
  return (
    <section className="panel" aria-label="Service level" data-testid="service-level">
      <h2>Service level{contract !== null && <span className="panel-note">contract {contract}</span>}</h2>
      <ul className="clocks">
        {shown.map((clock) => (
          <ClockBar key={clock.clock} clock={clock} timeZone={timeZone} />
        ))}
      </ul>
      {penalty !== null && penalty.amount > 0 && (
        <p className="penalty">
          Costs {penalty.amount.toFixed(2)} {penalty.currency} by the contract so far.
        </p>
      )}
      {me?.role !== "viewer" && takesNotes(incident) && <PauseForm incident={incident} onDone={onDone} />}
    </section>
  );
}

function ClockBar({ clock, timeZone }: { clock: SlaClock; timeZone: string | undefined }) {
  const now = useNow();
  const title = CLOCK_TITLES[clock.clock];
  const text = clockText(clock, now);
  const isLive = clock.state === "running" && clock.dueAt !== null;
  const tone = clock.state === "breached" ? "over" : isLive ? dueTone((clock.dueAt ?? now) - now) : clock.state;
  return (
    <li className="clock" data-testid={`clock-${clock.clock}`} data-state={clock.state} data-tone={tone}>
      <span className="clock-name">
        {title} <span className="panel-note">{targetText(clock)}</span>
      </span>
      <span className="clock-text">{text}</span>
      <meter
        className="visually-hidden"
        aria-label={`${title}: share of the time that is used up`}
        min={0}
        max={100}
        value={Math.min(100, Math.round(clock.percent))}
      >
        {text}
      </meter>
      <div className="clock-bar" aria-hidden="true">
        <span style={{ inlineSize: `${Math.min(100, clock.percent)}%` }} />
      </div>
      {clock.dueAt !== null && clock.stoppedAt === null && (
        <span className="clock-due">
          {clock.breachedAt === null ? "due" : "was due"} <SiteTime at={clock.dueAt} timeZone={timeZone} />
        </span>
      )}
    </li>
  );
}

type ChainProps = { incident: Incident; escalation: IncidentDetail["escalation"]; onDone: () => void };

export function Escalation({ incident, escalation, onDone }: ChainProps) {
  const me = useLive((state) => state.me);
  const mayAct = me?.role !== "viewer" && isOpen(incident);
  if (escalation === null && !mayAct) return null;
  return (
    <section className="panel" aria-label="Escalation" data-testid="escalation">
      <h2>Escalation{escalation !== null && <span className="panel-note">chain {escalation.chain}</span>}</h2>
      {escalation !== null && (
        <ol className="chain">
          {escalation.steps.map((step, index) => (
            <li
              // A chain may have two steps alike; they never change places.
              // biome-ignore lint/suspicious/noArrayIndexKey: the place is the identity of a step.
              key={index}
              data-taken={step.taken > 0}
              aria-current={escalation.next?.step === index ? "step" : undefined}
            >
              <span>
                <strong>{whatText(step)}</strong> {step.when}
                {step.calendar !== "always" && `, in ${step.calendar.replaceAll("_", " ")}`}
                {step.repeats > 0 && `, up to ${step.repeats} times more`}
              </span>
              <span className="chain-when">
                {step.taken > 0 && `taken${step.taken > 1 ? ` ${step.taken}×` : ""} `}
                {escalation.next?.step === index && <NextIn at={escalation.next.at} />}
              </span>
            </li>
          ))}
        </ol>
      )}
      {mayAct && <EscalateForm incident={incident} escalation={escalation} onDone={onDone} />}
    </section>
  );
}

function NextIn({ at }: { at: number }) {
  const now = useNow();
  return <span className="chain-next">{at > now ? `in ${leftText(at - now)}` : "now"}</span>;
}

type Step = NonNullable<IncidentDetail["escalation"]>["steps"][number];

function whatText({ run, tier, tell }: Step): string {
  if (run !== null) return `Ask the agent (${run.replaceAll("_", " ")})`;
  const whom = tell.join(", ");
  if (tier === null) return `Tell ${whom}`;
  return whom === "" ? `To tier ${tier}, ${tierTitle(tier)}` : `To tier ${tier}, ${tierTitle(tier)}: ${whom}`;
}

const NEXT_IN_CHAIN = "next";

/** What was typed stays until it is sent, whatever happens to the incident meanwhile. */
function EscalateForm({ incident, escalation, onDone }: ChainProps) {
  const [why, setWhy] = useState("");
  const [busy, setBusy] = useState(false);
  const next = escalation?.steps[escalation.nextByHand ?? -1];
  const tiers = ([2, 3, 4] as const).filter((tier) => tier > incident.tier);
  if (next === undefined && tiers.length === 0) return null;

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const picked = new FormData(event.currentTarget).get("to");
    const tier = tiers.find((one) => String(one) === picked);
    setBusy(true);
    const ok = await perform(incident, { action: "escalate", why: why.trim(), ...(tier !== undefined && { tier }) });
    setBusy(false);
    if (ok) {
      setWhy("");
      notify("Escalated.");
    }
    onDone();
  }

  return (
    <details className="escalate">
      <summary data-testid="escalate-open">Escalate now</summary>
      <form className="action-form" onSubmit={(event) => void submit(event)}>
        <label>
          To
          <select name="to" data-testid="escalate-to">
            {next !== undefined && <option value={NEXT_IN_CHAIN}>{whatText(next)}</option>}
            {tiers.map((tier) => (
              <option key={tier} value={tier}>
                Tier {tier}, {isTier(tier) ? TIERS[tier] : ""}
              </option>
            ))}
          </select>
        </label>
        <label className="action-text">
          Why?
          <input
            required
            maxLength={512}
            value={why}
            data-testid="escalate-why"
            onChange={(event) => setWhy(event.target.value)}
          />
        </label>
        <button type="submit" className="primary" disabled={busy || why.trim() === ""} data-testid="escalate-submit">
          Escalate
        </button>
      </form>
    </details>
  );
}
