/** For the tests of who shows service level clocks: one that began an hour ago and has three hours left. */
export const NOW = Date.UTC(2026, 10, 20, 10);
export const MIN = 60_000;
export const SLA_CLOCK = {
  clock: "restore",
  cycle: 1,
  state: "running",
  standsStill: null,
  priority: "P2",
  withinMs: 240 * MIN,
  calendar: "trading_hours",
  startedAt: NOW - 60 * MIN,
  dueAt: NOW + 180 * MIN,
  stoppedAt: null,
  breachedAt: null,
  elapsedMs: 60 * MIN,
  businessMs: 60 * MIN,
  pausedMs: 0,
  pausedBusinessMs: 0,
  percent: 25,
  nextWarning: null,
} as const;
