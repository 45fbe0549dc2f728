/** The hand-over: one page to print, or to copy as text, for whoever drives there. */
import { type ReactNode, useEffect, useRef } from "react";
import { Link } from "wouter";
import type { HandOver } from "../api/types.ts";
import { api, useLoad } from "../api/use-live.ts";
import { measure, metricTitle, sentence } from "../ui/format.ts";
import { LoadState } from "../ui/load-state.tsx";
import { notify } from "../ui/notice.tsx";
import { useShortcuts } from "../ui/shortcuts.ts";
import { fitToPage } from "./fit.ts";
import { SPARK, sparkOf } from "./sparkline.ts";
import { warrantyText } from "./words.ts";
import "./handover.css";

export default function HandOverPage({ id }: { id: string }) {
  const loaded = useLoad(
    `hand-over ${id}`,
    () => api.handOver(id),
    (event) => event.type === "incident" && event.incident.id === id,
  );
  const page = loaded.value;
  useShortcuts({ c: () => page !== null && void copy(page.text) });
  useEffect(() => {
    if (page !== null) document.title = `${page.id} hand-over – Aislewatch`;
  }, [page]);
  if (page === null) return <LoadState loaded={loaded} what={`the hand-over of ${id}`} />;
  return (
    <div className="handover">
      <div className="handover-tools">
        <Link href={`/incidents/${encodeURIComponent(page.id)}`}>Back to {page.id}</Link>
        <button type="button" data-testid="copy-text" onClick={() => void copy(page.text)}>
          Copy as text
        </button>
        <button type="button" className="primary" data-testid="print" onClick={() => print()}>
          Print
        </button>
      </div>
      <Sheet page={page} />
      <details className="handover-text">
        <summary>As text</summary>
        <pre data-testid="handover-text">{page.text}</pre>
      </details>
    </div>
  );
}

/** A browser gives its clipboard to pages over TLS and on this machine; elsewhere the text stands below the page. */
async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notify("Copied as text.");
  } catch {
    notify("The browser did not let the page copy. The text is below the page: open “As text”.", true);
  }
}

function Sheet({ page }: { page: HandOver }) {
  const sheet = useRef<HTMLElement>(null);
  useEffect(() => {
    let undo: (() => void) | null = null;
    const before = (): void => {
      if (sheet.current !== null) undo = fitToPage(sheet.current);
    };
    const after = (): void => undo?.();
    addEventListener("beforeprint", before);
    addEventListener("afterprint", after);
    return () => {
      removeEventListener("beforeprint", before);
      removeEventListener("afterprint", after);
    };
  }, []);
  const local = paperTime(page.where.timeZone);
  return (
    <article className="sheet" ref={sheet} data-testid="sheet" aria-labelledby="sheet-title">
      <header>
        <h1 id="sheet-title">
          Hand-over <span className="id">{page.id}</span>
        </h1>
        <p>
          {page.priority} {page.severity}, {sentence(page.state).toLowerCase()}; made {local(page.madeAt)}
        </p>
        <p className="sheet-sentence">{page.sentence}</p>
      </header>
      <div className="sheet-columns">
        <Where page={page} />
        <HardwareBlock page={page} />
        <Measured page={page} local={local} />
        <Causes page={page} />
        <Tried page={page} local={local} />
        <Earlier page={page} local={local} />
        <Listed
          title={page.stepsDone > 0 ? `Steps open (${page.stepsDone} done)` : "Steps"}
          items={page.stepsOpen}
          open
        >
          {page.stepsMore > 0 && <li>… and {page.stepsMore} more in the runbook</li>}
        </Listed>
        <Listed title="Bring" items={page.bring} />
      </div>
    </article>
  );
}

/** With its date, for paper is read on another day: `2026-11-20 10:00`, by the clock there. */
function paperTime(timeZone: string): Local {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" });
  return (at) => format.format(at);
}

function Block({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** `state`: of a warranty. */
type Row = readonly [label: string, text: string, state?: string];

function Rows({ rows }: { rows: readonly Row[] }) {
  return (
    <dl>
      {rows.map(([label, text, state]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd data-state={state}>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

const joined = (parts: readonly (string | null)[]): string =>
  parts.filter((part) => part !== null && part !== "").join(", ");

function Where({ page: { where } }: { page: HandOver }) {
  const { siteName, site, address, hours, timeZone, device, deviceName, component, kind, labels, networkAddress } =
    where;
  const slot =
    device === null
      ? "the whole site"
      : joined([
          deviceName === null || deviceName === device ? device : `${deviceName} (${device})`,
          component,
          kind === null ? null : sentence(kind).toLowerCase(),
          ...labels,
          networkAddress === null ? null : `at ${networkAddress}`,
        ]);
  return (
    <Block title="Where">
      <Rows
        rows={[
          ["Site", joined([`${siteName} (${site})`, address])],
          ["Hours", `${hours} (${timeZone})`],
          ["Slot", slot],
          ...where.contacts.map(
            ({ name, role, phone, email, reachable }): Row => [
              `Call ${name}`,
              `${joined([role, phone, email])}${reachable ? "" : " – not at this hour"}`,
            ],
          ),
        ]}
      />
    </Block>
  );
}

function HardwareBlock({ page: { hardware, vendorRef } }: { page: HandOver }) {
  const { vendor, model, serial, firmware, tag, warranty, service, replacedBy } = hardware;
  const asset = joined([
    vendor,
    model,
    serial && `serial ${serial}`,
    firmware && `firmware ${firmware}`,
    tag && `tag ${tag}`,
  ]);
  const rows: Row[] = [["Asset", asset === "" ? "not known" : asset]];
  if (replacedBy !== null) rows.push(["Now", `serial ${replacedBy} is in the slot`]);
  if (warranty !== null) rows.push(["Warranty", warrantyText(warranty), warranty.state]);
  if (service !== null) rows.push(["Vendor", joined([service.name, service.phone, service.email, service.portal])]);
  if (service?.contract != null) rows.push(["Contract", service.contract]);
  if (vendorRef !== null) rows.push(["Reference", `${vendorRef.ref} (${vendorRef.vendor})`]);
  return (
    <Block title="Hardware">
      <Rows rows={rows} />
    </Block>
  );
}

type Local = (at: number) => string;

function Measured({ page, local }: { page: HandOver; local: Local }) {
  const { since, values, chart } = page;
  const rows: Row[] = [
    [
      "Since",
      since.recoveredAt === null ? local(since.onset) : `${local(since.onset)} until ${local(since.recoveredAt)}`,
    ],
  ];
  for (const { metric, text } of values) rows.push([metricTitle(metric), text]);
  return (
    <Block title="What was measured">
      <Rows rows={rows} />
      {chart !== null && <SmallChart chart={chart} onset={since.onset} local={local} />}
    </Block>
  );
}

function SmallChart({ chart, onset, local }: { chart: NonNullable<HandOver["chart"]>; onset: number; local: Local }) {
  const spark = sparkOf(chart);
  if (spark === null) return null;
  const { width, height } = SPARK;
  const title = metricTitle(chart.metric);
  const said = (value: number): string => measure(chart.isBoolean ? value >= 0.5 : value, chart.unit);
  const name = `${title} around the onset: from ${said(spark.low)} to ${said(spark.high)}`;
  const onsetX = spark.x(Math.min(Math.max(onset, chart.from), chart.to));
  return (
    <figure className="spark">
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={name} preserveAspectRatio="none">
        {spark.thresholdY !== null && (
          <line className="spark-threshold" x1={0} x2={width} y1={spark.thresholdY} y2={spark.thresholdY} />
        )}
        <line className="spark-onset" x1={onsetX} x2={onsetX} y1={0} y2={height} />
        {spark.lines.map((points) => (
          <polyline key={points} points={points} />
        ))}
      </svg>
      <figcaption>
        {title}, {said(spark.low)} to {said(spark.high)}; {local(chart.from)} to {local(chart.to)}, the onset marked
        {chart.threshold !== null && `, threshold ${said(chart.threshold)} dashed`}
      </figcaption>
    </figure>
  );
}

function Causes({ page: { causes, classification } }: { page: HandOver }) {
  if (causes.length === 0) return null;
  return (
    <Block title={`Likely cause (${sentence(classification.is).toLowerCase()})`}>
      <ul>
        {causes.map(({ is, text, strength, evidence }) => (
          <li key={is}>
            <strong>{text}</strong> ({strength}). {evidence.map((one) => one.text).join(" ")}
          </li>
        ))}
      </ul>
    </Block>
  );
}

function Tried({ page: { tried }, local }: { page: HandOver; local: Local }) {
  if (tried.length === 0) return null;
  return (
    <Block title="What was tried">
      <ul>
        {tried.map(({ at, is, text, by }) => (
          <li key={`${at} ${text}`}>
            {local(at)} {is === "step" && "Done: "}
            {text}
            {by !== null && ` (${by})`}
          </li>
        ))}
      </ul>
    </Block>
  );
}

function Earlier({ page: { earlier }, local }: { page: HandOver; local: Local }) {
  return (
    <Block title="Before">
      <ul>
        <li>{earlier.counts}</li>
        {earlier.usual !== null && <li>{earlier.usual}</li>}
        {earlier.helped.map((text) => (
          <li key={text}>{text}</li>
        ))}
        {earlier.last.map(({ incident, by, rule, openedAt, slot, site, code, isOpen }) => (
          <li key={incident}>
            {incident}, {local(openedAt)}, {slot ?? site}
            {by === "category" && `, ${rule}`}: {isOpen ? "still open" : sentence(code ?? "ended").toLowerCase()}
          </li>
        ))}
      </ul>
    </Block>
  );
}

type ListedProps = { title: string; items: readonly string[]; open?: boolean; children?: ReactNode };

function Listed({ title, items, open = false, children }: ListedProps) {
  if (items.length === 0) return null;
  return (
    <Block title={title}>
      <ul className={open ? "sheet-steps" : undefined}>
        {items.map((text) => (
          <li key={text}>{text}</li>
        ))}
        {children}
      </ul>
    </Block>
  );
}
