/** The runbook of an incident; its numbered steps are ticked off in the incident's log, for all to see. */
import { useId, useMemo, useState } from "react";
import type { Incident, IncidentDetail } from "../api/types.ts";
import { useLive } from "../api/use-live.ts";
import { SiteTime } from "../ui/age.tsx";
import { actorName } from "../ui/format.ts";
import { takesTicks } from "./actions.ts";
import { type Block, type Item, parseMarkdown } from "./markdown.ts";
import { Blocks, inlines } from "./markdown-view.tsx";
import { performed } from "./perform.ts";
import { isDone, plain, readTo, type SentSteps, stepNames, type Tick, ticksOf } from "./steps.ts";

type RunbookProps = NonNullable<IncidentDetail["runbook"]> & {
  incident: Incident;
  events: IncidentDetail["events"];
  timeZone: string | undefined;
  onDone: () => void;
};

export function Runbook({ incident, title, markdown, events, timeZone, onDone }: RunbookProps) {
  const me = useLive((state) => state.me);
  const [sent, setSent] = useState<SentSteps>(new Map());
  const blocks = useMemo(() => withoutTitle(parseMarkdown(markdown), title), [markdown, title]);
  const names = useMemo(() => stepNames(blocks), [blocks]);
  const ticks = ticksOf(events);
  const seq = readTo(events);
  const isReadOnly = me?.role === "viewer" || !takesTicks(incident);

  async function toggle(step: string, done: boolean): Promise<void> {
    // One at a time of each step: two on their way could arrive the other way round.
    if (sent.get(step)?.version === null) return;
    setSent((old) => new Map(old).set(step, { done, version: null }));
    const now = await performed(incident, { action: "check", item: step, done });
    setSent((old) => {
      const next = new Map(old);
      if (now === null) next.delete(step);
      else next.set(step, { done, version: now.version });
      return next;
    });
    onDone();
  }

  return (
    <section className="panel runbook" data-testid="runbook" aria-labelledby="runbook-title">
      <h2 id="runbook-title">
        Runbook <span className="panel-note">{title}</span>
      </h2>
      <Blocks
        blocks={blocks}
        step={(item, number) => {
          const step = names.get(item);
          if (step === undefined) return <li>{item.blocks.length > 0 && <Blocks blocks={item.blocks} />}</li>;
          const done = isDone(step, ticks, sent, seq);
          const tick = done ? ticks.get(step) : undefined;
          return (
            <Step {...{ item, number, done, tick, timeZone, isReadOnly }} onToggle={() => void toggle(step, !done)} />
          );
        }}
      />
    </section>
  );
}

/** The file's own title stands in the panel's already. */
function withoutTitle(blocks: readonly Block[], title: string): readonly Block[] {
  const [first, ...rest] = blocks;
  return first?.type === "heading" && (first.level === 1 || plain(first.children) === title) ? rest : blocks;
}

type StepProps = {
  item: Item;
  number: number;
  done: boolean;
  tick: Tick | undefined;
  timeZone: string | undefined;
  isReadOnly: boolean;
  onToggle: () => void;
};

function Step({ item, number, done, tick, timeZone, isReadOnly, onToggle }: StepProps) {
  const by = useId();
  return (
    <li data-done={done}>
      <label>
        <input
          type="checkbox"
          checked={done}
          disabled={isReadOnly}
          aria-describedby={tick === undefined ? undefined : by}
          onChange={onToggle}
        />
        <span className="step-number" aria-hidden="true">
          {number}
        </span>
        <span>{inlines(item.children)}</span>
      </label>
      {tick !== undefined && (
        <p className="step-by" id={by}>
          <span className="timeline-who">{actorName(tick.by)}</span>
          <SiteTime at={tick.at} timeZone={timeZone} />
        </p>
      )}
      {item.blocks.length > 0 && (
        <div className="step-more">
          <Blocks blocks={item.blocks} />
        </div>
      )}
    </li>
  );
}
