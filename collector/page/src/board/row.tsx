import { memo } from "react";
import { Link } from "wouter";
import type { Incident } from "../api/types.ts";
import { holdReasonText } from "../incident/actions.ts";
import { Age } from "../ui/age.tsx";
import { PriorityBadge, StateBadge } from "../ui/badges.tsx";
import { Due } from "../ui/due.tsx";
import { actorName, plural, sentence } from "../ui/format.ts";
import { KindIcon } from "../ui/kind-icon.tsx";
import { kindTitle } from "../ui/kinds.ts";
import { type Row, suppressor } from "./rows.ts";

type Place = { index: number; top: number; selected: boolean; onSelect: () => void };

type IncidentRowProps = Place & {
  row: Extract<Row, { type: "incident" }>;
  arrivedAt: number | null;
  marked: boolean;
  onMark: (id: string) => void;
};

/** When others come or go above it only its place is another: what stands in it is drawn again when it has changed. */
export const IncidentRow = memo(
  function IncidentRow({ row, index, top, selected, onSelect, arrivedAt, marked, onMark }: IncidentRowProps) {
    const { incident } = row;
    return (
      <tr
        className={`row row-${incident.priority.toLowerCase()}`}
        data-testid="incident-row"
        data-id={incident.id}
        data-nested={row.nested}
        data-suppressed={incident.suppressedBy !== null}
        data-new={incident.state === "new"}
        data-marked={marked}
        data-arrived={arrivedAt !== null && isRecent(arrivedAt)}
        aria-rowindex={index + 2}
        aria-current={selected || undefined}
        style={{ transform: `translateY(${top}px)` }}
        onPointerDown={onSelect}
      >
        <td className="cell-mark">
          <input
            type="checkbox"
            aria-label={`Mark ${incident.id}`}
            checked={marked}
            onChange={() => onMark(incident.id)}
          />
        </td>
        <Cells incident={incident} nested={row.nested} />
      </tr>
    );
  },
  (a, b) =>
    a.row.incident === b.row.incident &&
    a.row.nested === b.row.nested &&
    a.top === b.top &&
    a.index === b.index &&
    a.selected === b.selected &&
    a.marked === b.marked &&
    a.onMark === b.onMark,
);

const Cells = memo(function Cells({ incident, nested }: { incident: Incident; nested: boolean }) {
  return (
    <>
      <td className="cell-priority">
        <PriorityBadge priority={incident.priority} />
      </td>
      <td className="cell-title">
        <Link href={`/incidents/${encodeURIComponent(incident.id)}`}>{incident.title}</Link>
        <Flags incident={incident} nested={nested} />
      </td>
      <td className="cell-site" title={incident.subject.site}>
        {incident.siteName}
      </td>
      <td className="cell-device">
        <KindIcon kind={incident.kind} />
        <DeviceName incident={incident} />
      </td>
      <td className="cell-state">
        <StateBadge state={incident.state} />
        {(incident.assignee ?? incident.group) !== null && (
          <span className="assignee">{incident.assignee === null ? incident.group : actorName(incident.assignee)}</span>
        )}
      </td>
      <td className="cell-due">
        <Due due={incident.due} />
      </td>
      <td className="cell-age">
        <Age at={incident.onset} />
      </td>
    </>
  );
});

/** How long a row that just came in stays lit; the stylesheet's animation lasts as long. */
const LIT_MS = 4_000;
const isRecent = (arrivedAt: number): boolean => Date.now() - arrivedAt < LIT_MS;

function DeviceName({ incident }: { incident: Incident }) {
  const { device, component } = incident.subject;
  if (incident.fleet !== null) return <span className="device-name">{incident.fleet.sites} and more</span>;
  if (device === null) return <span className="device-name">Whole site</span>;
  const kind = incident.kind === null ? "" : kindTitle(incident.kind);
  return (
    <span className="device-name" title={`${kind} ${device}`.trim()}>
      <span className="visually-hidden">{kind}</span>
      <span>{incident.deviceName ?? device}</span>
      <span className="id">
        {device}
        {component !== null && ` · ${component}`}
      </span>
    </span>
  );
}

function Flags({ incident, nested }: { incident: Incident; nested: boolean }) {
  return (
    <span className="flags">
      {incident.recoveredAt !== null && (
        <span className="tag tag-recovered">
          Recovered <Age at={incident.recoveredAt} suffix=" ago" />
        </span>
      )}
      {incident.review !== null && (
        <span className="tag tag-review" title={`Cured itself ${plural(incident.review.times, "time")}: find out why`}>
          For review
        </span>
      )}
      {incident.mergedInto !== null && <span className="tag">In {incident.mergedInto}</span>}
      {/* What is folded says below what; and of what is below one, that is what hides it. */}
      {incident.parent !== null && !nested && (
        <span className="tag" title={sentence(incident.parentWhy ?? "")}>
          Below {incident.parent}
        </span>
      )}
      {incident.suppressedBy !== null && incident.parent === null && (
        <span className="tag">Suppressed by {suppressor(incident)}</span>
      )}
      {incident.flapping && (
        <span className="tag" title="It comes and goes: one fault until it was quiet for a while">
          Flapping
        </span>
      )}
      {incident.maintenance !== null && (
        <span className="tag" title={`Expected: ${incident.maintenance}`}>
          Maintenance
        </span>
      )}
      {incident.inactiveHours && (
        <span className="tag" title="Nobody is called until the hours of its rule begin">
          Off hours
        </span>
      )}
      {incident.stale && <span className="tag tag-stale">Stale</span>}
      {incident.retroactive && (
        <span className="tag" title="Found in readings that the agent had kept; it was over by then">
          Found afterwards
        </span>
      )}
      {incident.recurrences > 0 && (
        <span className="tag" title={`Came back ${plural(incident.recurrences, "time")}`}>
          ×{incident.recurrences + 1}
        </span>
      )}
      {incident.state === "on_hold" && incident.holdReason !== null && (
        <span className="tag">{holdReasonText(incident.holdReason)}</span>
      )}
    </span>
  );
}

type GroupRowProps = Place & { row: Extract<Row, { type: "group" }>; onUnfold: () => void };

export function GroupRow({ row, index, top, selected, onSelect, onUnfold }: GroupRowProps) {
  return (
    <tr
      className="row row-group"
      data-testid="group-row"
      aria-rowindex={index + 2}
      aria-current={selected || undefined}
      style={{ transform: `translateY(${top}px)` }}
      onPointerDown={onSelect}
    >
      <td className="cell-mark" />
      <td className="cell-priority" />
      <td className="cell-group" colSpan={6}>
        <button type="button" className="fold" aria-expanded={row.unfolded} onClick={onUnfold}>
          <span className="twist" aria-hidden="true" />
          <span>
            {row.parent === null ? (
              <>
                <strong>{row.count} suppressed</strong> behind <span className="id">{row.behind}</span>
              </>
            ) : (
              <>
                <strong>{row.count} below</strong> <span className="id">{row.behind}</span>, {row.standing} of them
                stand
              </>
            )}
          </span>
          <span className="group-worst">
            {row.siteName} · up to {row.worst}
          </span>
        </button>
      </td>
    </tr>
  );
}
