import { defineEvent } from "@aislewatch/runtime";

/** Every line that the collector logs (docs/logs.md is made from this list). */
export const events = {
  listening: defineEvent({
    name: "collector_listening",
    level: "info",
    meaning: "The collector takes agents and serves the page.",
    fields: { http: "string", mqtt: "string" },
  }),
  portTaken: defineEvent({
    name: "port_taken",
    level: "warn",
    meaning: "The default port belongs to another program; the next free one is used.",
    fields: { wanted: "number", used: "number" },
  }),
  brokerConnected: defineEvent({
    name: "broker_connected",
    level: "info",
    meaning:
      "The collector signed in at its external broker. With `isSessionKept` false, what the broker had kept for it is gone, and agents send it again.",
    fields: { broker: "string", isSessionKept: "boolean" },
  }),
  brokerTrouble: defineEvent({
    name: "broker_failed",
    level: "error",
    meaning:
      "The external broker can't be used: why, and what to do. It is tried again; agents keep what they read meanwhile.",
    fields: { broker: "string", code: "string", detail: "string", whatToDo: "string" },
    sameBy: ["code", "detail"],
  }),
  agentOnline: defineEvent({
    name: "agent_came_online",
    level: "info",
    meaning: "An agent signed in and said how it stands.",
    fields: { site: "string", agent: "string", version: "string", epoch: "string" },
  }),
  agentOffline: defineEvent({
    name: "agent_went_offline",
    level: "warn",
    meaning: "An agent's session ended; its devices are unreachable until it returns.",
    fields: { site: "string", agent: "string" },
    sameBy: ["site", "agent"],
  }),
  clockOff: defineEvent({
    name: "agent_clock_off",
    level: "warn",
    meaning: "An agent's clock is off by more than a minute; its times are shifted. Set its clock.",
    fields: { site: "string", agent: "string", offSeconds: "number" },
    sameBy: ["site", "agent"],
  }),
  messageRefused: defineEvent({
    name: "message_refused",
    level: "error",
    meaning: "A client sent what it may not send; the message was dropped. Look at the client's configuration.",
    fields: { client: "string", topic: "string", reason: "string" },
    sameBy: ["client", "reason"],
  }),
  epochRefused: defineEvent({
    name: "agent_epoch_refused",
    level: "error",
    meaning:
      "An agent goes on in a new outbox, and 256 earlier ones are not settled: something of each is missing or not stored yet. Nothing of the new one is taken until `aislewatch audit delivery --agent SITE/AGENT --explain TEXT` explains what is missing.",
    fields: { site: "string", agent: "string", epoch: "string" },
    sameBy: ["site", "agent"],
  }),
  signInRefused: defineEvent({
    name: "agent_sign_in_refused",
    level: "error",
    meaning: "An agent's name or password is wrong. `aislewatch agents add` makes a new password.",
    fields: { site: "string", agent: "string" },
    sameBy: ["site", "agent"],
  }),
  poisonSetAside: defineEvent({
    name: "message_set_aside",
    level: "error",
    meaning: "A message could not be read; its bytes are kept in the state store.",
    fields: { site: "string", agent: "string", topic: "string", reason: "string" },
    sameBy: ["site", "agent", "reason"],
  }),
  gapFound: defineEvent({
    name: "batches_missing",
    level: "error",
    meaning: "Batches of an agent never arrived, also not after a resend; the ledger names them.",
    fields: { site: "string", agent: "string", lane: "string", fromSeq: "number", toSeq: "number" },
  }),
  copyEnded: defineEvent({
    name: "backup_copied",
    level: "info",
    meaning: "Both stores were copied for aislewatch backup, or why that failed.",
    fields: { state: "string", seconds: "number", detail: "string" },
  }),
  restoreEnded: defineEvent({
    name: "restore_ended",
    level: "warn",
    meaning:
      "A restore was killed: what it had decided was finished at this start, or what it had unpacked was removed.",
    fields: { finished: "string" },
  }),
  lostByRestore: defineEvent({
    name: "batches_lost_by_restore",
    level: "warn",
    meaning:
      "The collector was restored from a backup; an agent has deleted what was acknowledged since that was made, and the ledger names it.",
    fields: { site: "string", agent: "string", lane: "string", fromSeq: "number", toSeq: "number" },
  }),
  claimRefused: defineEvent({
    name: "device_claim_refused",
    level: "error",
    meaning: "An agent names devices that another agent of its site watches; remove them from one of the two.",
    fields: { site: "string", agent: "string", devices: "string" },
    sameBy: ["site", "agent", "devices"],
  }),
  commandEnded: defineEvent({
    name: "agent_command_ended",
    level: "info",
    meaning: "An agent answered a command (done, refused, failed, expired), or its deadline passed (unanswered).",
    fields: { site: "string", agent: "string", kind: "string", by: "string", outcome: "string" },
  }),
  storeFailed: defineEvent({
    name: "store_failed",
    level: "error",
    meaning: "A store can't be written. Nothing is acked meanwhile, so nothing is lost; it is tried again.",
    fields: { store: "string", detail: "string" },
    sameBy: ["store", "detail"],
  }),
  storeRecovered: defineEvent({
    name: "store_recovered",
    level: "info",
    meaning: "A store takes writes again.",
    fields: { store: "string" },
  }),
  seriesFileSetAside: defineEvent({
    name: "series_file_set_aside",
    level: "error",
    meaning:
      "A file of a sealed day is missing or can't be read: charts of that day lack what is in it, everything else answers. Put it back from a backup and restart the collector; it is tried again at each start.",
    fields: { file: "string", detail: "string" },
  }),
  timeseriesEmpty: defineEvent({
    name: "timeseries_empty",
    level: "error",
    meaning:
      "At a start, the time-series store holds nothing although agents' lanes were judged before: it was deleted, or is another. Incidents stand, charts begin anew, agents send what they still hold.",
    fields: { lanes: "number" },
  }),
  incidentOpened: defineEvent({
    name: "incident_opened",
    level: "info",
    meaning: "A fault became an incident.",
    fields: {
      incident: "string",
      priority: "string",
      rule: "string",
      subject: "string",
      /** Found in what an agent had kept: it is over, and calls nobody. */
      retroactive: "boolean",
    },
  }),
  factsFailed: defineEvent({
    name: "incident_facts_failed",
    level: "error",
    meaning:
      "What reports count of an incident can't be made of its log: a bug. Reports go without this incident, or have it as it was; all else about it works. Told once for each incident until the next start.",
    fields: { incident: "string", detail: "string" },
    sameBy: ["detail"],
  }),
  notificationGivenUp: defineEvent({
    name: "notification_given_up",
    level: "error",
    meaning:
      "A notification was refused, or could not be delivered for as long as its channel allows; nobody is told of it there. `aislewatch notify log` has the attempts.",
    fields: { notification: "string", channel: "string", detail: "string" },
    sameBy: ["channel", "detail"],
  }),
  rulesLoaded: defineEvent({
    name: "rules_loaded",
    level: "info",
    meaning: "A set of rules, sites and priorities is in use.",
    fields: { version: "string", rules: "number" },
  }),
  rulesRefused: defineEvent({
    name: "rules_refused",
    level: "error",
    meaning: "Changed files are faulty and are not used; the last good set stays.",
    fields: { diagnostics: "string" },
  }),
  startedOnLastGood: defineEvent({
    name: "started_on_last_good_rules",
    level: "error",
    meaning: "The files are faulty at start; the last good set, kept in the state store, is used.",
    fields: { diagnostics: "string" },
  }),
  apiFailed: defineEvent({
    name: "request_failed",
    level: "error",
    meaning: "A request ended in an error of ours.",
    fields: { method: "string", route: "string", detail: "string" },
    sameBy: ["route", "detail"],
  }),
} as const;
