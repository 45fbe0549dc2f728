import type { DeviceState, IncidentState, Priority, Severity } from "../api/types.ts";

const PRIORITY_WORDS: Readonly<Record<Priority, string>> = {
  P1: "Critical",
  P2: "High",
  P3: "Medium",
  P4: "Low",
  P5: "Planning",
};

/** Colour, shape, fill and letters each tell the priority on their own. */
export function PriorityBadge({ priority, large = false }: { priority: Priority; large?: boolean }) {
  return (
    <span
      className={`priority priority-${priority.toLowerCase()}${large ? " priority-large" : ""}`}
      data-testid="priority"
      title={`${priority}: ${PRIORITY_WORDS[priority]}`}
    >
      {priority}
    </span>
  );
}

const STATE_WORDS: Readonly<Record<IncidentState, string>> = {
  new: "New",
  acknowledged: "Acknowledged",
  in_progress: "In progress",
  on_hold: "On hold",
  resolved: "Resolved",
  closed: "Closed",
  cancelled: "Cancelled",
  merged: "Merged",
};

export const stateWord = (state: IncidentState): string => STATE_WORDS[state];

export function StateBadge({ state }: { state: IncidentState }) {
  return <span className={`state state-${state}`}>{STATE_WORDS[state]}</span>;
}

const DEVICE_WORDS: Readonly<Record<DeviceState, string>> = {
  up: "Up",
  down: "Down",
  unreachable: "Unreachable",
  unknown: "Unknown",
};

export function DeviceBadge({ state }: { state: DeviceState }) {
  return <span className={`device-state device-${state}`}>{DEVICE_WORDS[state]}</span>;
}

export function SeverityTag({ severity }: { severity: Severity }) {
  return <span className={`tag severity-${severity}`}>{severity}</span>;
}
