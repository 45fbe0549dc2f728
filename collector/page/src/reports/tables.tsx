/** The tables of a report: service levels by site, models by their failures, slots that come again, rules by their noise. */
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Report } from "../api/types.ts";
import { count } from "../ui/format.ts";
import { kindTitle } from "../ui/kinds.ts";
import { DataTable, Panel } from "./charts.tsx";
import {
  attainedText,
  deviceDays,
  duration,
  keyText,
  league,
  penaltyText,
  rateText,
  SAMPLE_MIN,
  shareText,
} from "./figures.ts";
import type { Grouping } from "./filters.ts";

type Groups = Report["groups"];
type Table = Report["tables"][number];

const SHOWN = 20;

export const tableOf = (report: Report, by: Table["by"]): Table =>
  report.tables.find((one) => one.by === by) ?? { by, groups: [], leftOut: 0 };

/** How much of what there is a table shows. */
const ofAll = (shown: number, { groups, leftOut }: Table): string | undefined =>
  groups.length + leftOut > shown ? `${count(shown)} of ${count(groups.length + leftOut)}` : undefined;

export function SlaTable({ report }: { report: Report }) {
  const table = tableOf(report, "site");
  const shown = table.groups.slice(0, SHOWN);
  return (
    <Panel title="Service levels by site" note={ofAll(shown.length, table) ?? "the most incidents first"}>
      <Rows
        label="Service levels by site"
        head={["Site", "Opened", "Response in time", "Restored in time", "Vendor in time", "Penalties"]}
        groups={shown}
        first={(key) => <SiteLink site={key} />}
        cells={({ incidents, sla, penalties }) => [
          count(incidents.opened),
          <Attained key="response" {...sla.response} />,
          <Attained key="restore" {...sla.restore} />,
          attainedText(sla.vendor),
          penaltyText(penalties),
        ]}
      />
    </Panel>
  );
}

export function ModelLeague({ report }: { report: Report }) {
  const table = tableOf(report, "model");
  const shown = league(table.groups).slice(0, SHOWN);
  return (
    <Panel title="Models by failures" note={`in 1,000 days of a device; no rate of fewer than ${SAMPLE_MIN} failures`}>
      <Rows
        label="Models by failures in 1,000 days of a device"
        head={["Model", "Rate (95 % range)", "Failures", "Device-days", "Between failures"]}
        groups={shown}
        cells={({ betweenFailures: { rate, measured, deviceMs, meanMs } }) => [
          rateText(rate),
          count(measured),
          deviceDays(deviceMs),
          duration(meanMs),
        ]}
      />
    </Panel>
  );
}

export function SlotTable({ report }: { report: Report }) {
  const table = tableOf(report, "slot");
  const shown = table.groups.filter(({ key, figures }) => key !== null && figures.incidents.opened > 1).slice(0, SHOWN);
  return (
    <Panel title="Slots that come again" note="more than one incident">
      <Rows
        label="Slots with the most incidents"
        head={["Slot", "Opened", "Failures", "Median gap", "Reopened", "Open"]}
        groups={shown}
        first={(key) => <SlotLink slot={key} />}
        cells={({ incidents, betweenFailures: { failures, gaps }, reopened }) => [
          ...[count(incidents.opened), count(failures), duration(gaps.medianMs)],
          ...[count(reopened.n), count(incidents.open)],
        ]}
      />
    </Panel>
  );
}

export function NoiseTable({ report }: { report: Report }) {
  const table = tableOf(report, "rule");
  const shown = table.groups.slice(0, SHOWN);
  return (
    <Panel title="Noise of rules" note={ofAll(shown.length, table)}>
      <Rows
        label="Noise of rules"
        head={["Rule", "Incidents", "Fired", "Called", "False", "Median life", "Recovered by itself"]}
        groups={shown}
        cells={({ incidents, noise: { fires, calls, falsePositives, life }, selfRecovered }) => [
          ...[count(incidents.opened), count(fires), count(calls)],
          ...[shareText(falsePositives), duration(life.medianMs), shareText(selfRecovered)],
        ]}
      />
    </Panel>
  );
}

export function GroupTable({ report, by }: { report: Report; by: Exclude<Grouping, "none"> }) {
  const { groups, groupsLeftOut } = report;
  const name = keyOf(by);
  return (
    <Panel title={`By ${by}`} note={groupsLeftOut > 0 ? `${count(groupsLeftOut)} more in CSV` : undefined}>
      <Rows
        label={`Figures by ${by}`}
        head={[
          ...[by.charAt(0).toUpperCase() + by.slice(1), "Opened", "Open", "Acknowledge", "Restore", "Restore, p90"],
          ...["Resolve", "Restored in time", "First line", "Between failures"],
        ]}
        groups={groups}
        first={name}
        cells={({ incidents, acknowledge, restore, resolve, sla, firstLine, betweenFailures }) => [
          ...[count(incidents.opened), count(incidents.open), duration(acknowledge.medianMs)],
          ...[duration(restore.medianMs), duration(restore.p90Ms), duration(resolve.medianMs)],
          ...[attainedText(sla.restore), shareText(firstLine), duration(betweenFailures.meanMs)],
        ]}
      />
    </Panel>
  );
}

type RowsProps = {
  readonly label: string;
  readonly head: readonly string[];
  readonly groups: Groups;
  readonly first?: (key: Groups[number]["key"]) => ReactNode;
  readonly cells: (figures: Groups[number]["figures"]) => readonly ReactNode[];
};

function Rows({ label, head, groups, first = keyText, cells }: RowsProps) {
  if (groups.length === 0) return <p className="muted">None.</p>;
  return (
    <DataTable
      label={label}
      head={head}
      rows={groups.map(({ key, figures }) => ({ key: String(key), cells: [first(key), ...cells(figures)] }))}
    />
  );
}

function keyOf(by: Exclude<Grouping, "none">): (key: Groups[number]["key"]) => ReactNode {
  if (by === "site") return (key) => <SiteLink site={key} />;
  if (by === "slot") return (key) => <SlotLink slot={key} />;
  if (by === "kind") return (key) => (typeof key === "string" ? kindTitle(key) : keyText(key));
  return keyText;
}

const SiteLink = ({ site }: { site: Groups[number]["key"] }) =>
  typeof site === "string" ? <Link href={`/sites/${site}`}>{site}</Link> : keyText(site);

/** Its name begins with its site. */
function SlotLink({ slot }: { slot: Groups[number]["key"] }) {
  if (typeof slot !== "string") return keyText(slot);
  const [site = "", ...device] = slot.split("/");
  return <Link href={`/sites/${site}/device/${device.join("/")}`}>{slot}</Link>;
}

/** The bar is for the glance, the words say it. */
function Attained({ met, breached }: { readonly met: number; readonly breached: number }) {
  const of = met + breached;
  return (
    <span className="attained">
      {of > 0 && (
        <span className="attained-bar" aria-hidden="true">
          <span className="attained-fill" style={{ width: `${(met / of) * 100}%` }} />
        </span>
      )}
      {attainedText({ met, breached })}
    </span>
  );
}
