/** What a person types into the action of the API. */
import type { components } from "@aislewatch/api";
import { UsageError } from "./command.ts";

type IncidentAction = components["schemas"]["IncidentAction"];

export const ACTIONS = [
  "ack",
  "start",
  "hold",
  "resume",
  "note",
  "assign",
  "check",
  "vendor",
  "resolve",
  "reopen",
  "close",
  "cancel",
  "review",
  "priority",
  "escalate",
  "claim",
  "merge",
  "split",
] as const;
export type ActionCommand = (typeof ACTIONS)[number];
export const isAction = (command: string): command is ActionCommand => ACTIONS.some((known) => known === command);

export const ACTIONS_HELP = `  ack ID                    take it in hand
  start ID                  work on it
  hold ID --reason REASON   awaiting_vendor, awaiting_part, awaiting_site_access, awaiting_change or awaiting_caller;
                            --text WHAT says more
  resume ID                 go on
  note ID TEXT              write something down
  assign ID --to NAME       or --nobody; --group GROUP, --tier 0 to 4
  check ID ITEM             a step of the checklist is done; --undone: it is not
  vendor ID --vendor NAME --ref NUMBER
                            what the vendor calls it
  resolve ID --code CODE    ends the work on it; --text WHY is needed while the fault still stands;
                            --tier 0 to 4 who solved it, --follow-up WHAT is still to do
  reopen ID --why WHY       it is not solved
  close ID                  for good
  cancel ID --code CODE     false_positive, duplicate or test: there was nothing to solve; --text WHY
  review ID [TEXT]          why it cured itself so often is known
  priority ID P1 --why WHY  whatever the collector finds; "auto" gives it back
  escalate ID --why WHY     takes the next step of its chain now; --tier 2 to 4: it goes there
  claim ID --from TIME --until TIME --reason REASON --text WHY
                            it waited then, and nobody had said so; --clock response, restore or vendor
  merge ID --into ID        one piece of work with that one
  split ID                  stands for itself again
`;

/** Of parseArgs. */
export const ACTION_OPTIONS = {
  code: { type: "string" },
  text: { type: "string" },
  reason: { type: "string" },
  why: { type: "string" },
  to: { type: "string" },
  nobody: { type: "boolean" },
  group: { type: "string" },
  tier: { type: "string" },
  into: { type: "string" },
  clock: { type: "string" },
  from: { type: "string" },
  until: { type: "string" },
  vendor: { type: "string" },
  ref: { type: "string" },
  undone: { type: "boolean" },
  "follow-up": { type: "string" },
  priority: { type: "string" },
  version: { type: "string" },
} as const;

export type ActionWords = {
  readonly [Name in keyof typeof ACTION_OPTIONS]?:
    | ((typeof ACTION_OPTIONS)[Name]["type"] extends "boolean" ? boolean : string)
    | undefined;
};

export function incidentId(id: string | undefined): string {
  if (id === undefined) throw new UsageError("which incident? Give its id, such as INC-000012 (or just 12)");
  return /^\d+$/.test(id) ? `INC-${id.padStart(6, "0")}` : id.toUpperCase();
}

/**
 * `rest` are the words after the id. Enumerations are passed on as typed: the server knows them and answers with the
 * list when a word is none of them.
 */
export function actionOf(command: ActionCommand, rest: readonly string[], words: ActionWords): IncidentAction {
  const said = rest.join(" ").trim();
  const takesWords = ["note", "check", "review", "priority"].includes(command);
  if (!takesWords && said !== "") throw new UsageError(`one incident at a time, not also ${said}`);
  const version = words.version === undefined ? {} : { version: whole("--version", words.version) };
  return { ...asked(command, said, words), ...version } as IncidentAction;
}

/** Without its version; as typed, so only the server knows whether its words are right. */
function asked(command: ActionCommand, said: string, words: ActionWords): Record<string, unknown> {
  const text = words.text ?? (said === "" ? null : said);
  const tier = words.tier === undefined ? {} : { tier: whole("--tier", words.tier) };
  switch (command) {
    case "ack":
      return { action: "acknowledge" };
    case "start":
    case "resume":
    case "close":
    case "split":
      return { action: command };
    case "hold":
      return { action: "hold", reason: need(words.reason, "hold needs --reason: what it waits for"), text };
    case "note":
      return { action: "note", text: need(text, "note what? Give the text after the id") };
    case "assign":
      return { action: "assign", ...whom(words), ...tier };
    case "check":
      return {
        action: "check",
        item: need(said === "" ? null : said, "which step? Give its words after the id"),
        done: words.undone !== true,
      };
    case "vendor":
      return {
        action: "vendor",
        vendor: need(words.vendor, "vendor needs --vendor NAME"),
        ref: need(words.ref, "vendor needs --ref NUMBER"),
      };
    case "resolve":
      return {
        action: "resolve",
        code: need(words.code, "resolve needs --code: what ended it, such as consumable_replaced or restarted"),
        text,
        ...tier,
        ...(words["follow-up"] !== undefined && { followUp: words["follow-up"] }),
      };
    case "reopen":
      return { action: "reopen", why: need(words.why ?? words.text, "reopen needs --why: why it is not solved") };
    case "cancel":
      return {
        action: "cancel",
        code: need(words.code, "cancel needs --code: false_positive, duplicate or test"),
        text,
      };
    case "review":
      return { action: "review", text };
    case "priority":
      return {
        action: "set_priority",
        priority: priorityOf(need(said === "" ? words.priority : said, "which priority? P1 to P5, or auto")),
        why: need(words.why ?? words.text, "priority needs --why"),
      };
    case "escalate":
      return { action: "escalate", why: need(words.why ?? words.text, "escalate needs --why"), ...tier };
    case "claim":
      return {
        action: "claim_pause",
        from: instant("--from", words.from),
        to: instant("--until", words.until),
        reason: need(words.reason, "claim needs --reason: what it waited for"),
        text: need(words.text ?? words.why, "claim needs --text"),
        ...(words.clock !== undefined && { clock: words.clock }),
      };
    case "merge":
      return {
        action: "merge",
        into: incidentId(need(words.into, "merge needs --into ID: the one that is worked on")),
      };
    default:
      return command satisfies never;
  }
}

function whom({ to, nobody, group }: ActionWords): { to: string | null; group?: string } {
  if ((to === undefined) === (nobody !== true) && group === undefined) {
    throw new UsageError("assign needs --to NAME, --nobody or --group GROUP");
  }
  return { to: to ?? null, ...(group !== undefined && { group }) };
}

const priorityOf = (word: string): string | null => (word === "auto" ? null : word.toUpperCase());

function need(value: string | null | undefined, message: string): string {
  if (value == null || value === "") throw new UsageError(message);
  return value;
}

/** `2026-11-20T10:00` by the clock here, or with a zone at its end. */
function instant(name: string, typed: string | undefined): number {
  const at = Date.parse(typed ?? "");
  if (Number.isNaN(at)) throw new UsageError(`claim needs ${name} TIME, such as 2026-11-20T10:00`);
  return at;
}

function whole(name: string, typed: string): number {
  const number = Number(typed);
  if (!Number.isInteger(number) || number < 0) throw new UsageError(`${name} takes a whole number, not "${typed}"`);
  return number;
}
