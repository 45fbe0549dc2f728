/** A hand-over as plain text of 80 columns, as one mails it or reads it out on the phone. */
import { type HandOver, localText } from "./handover.ts";
import { spanText } from "./triage.ts";

const COLUMNS = 80;
const LABEL = 12;

export function handOverText(page: HandOver): string {
  const { where, since, hardware, vendorRef, earlier } = page;
  const zone = where.timeZone;
  const made = localText(zone, page.madeAt);
  const lines = [
    ...spread(
      `HAND-OVER ${page.id}  ${page.priority} ${page.severity}, ${page.state.replace("_", " ")}`,
      `made ${made}`,
    ),
    "",
    ...wrap(page.sentence, 0),
    ...section("WHERE", [
      ["Site", join([`${where.siteName} (${where.site})`, where.address])],
      ["Hours", `${where.hours}; it is ${made.slice(-5)} there (${zone})`],
      ["Slot", slotText(where)],
      ...where.contacts.map(contactRow),
    ]),
    ...section("HARDWARE", [
      ...assetRows(hardware),
      ...(vendorRef === null ? [] : [row("Reference", `${vendorRef.ref} (${vendorRef.vendor})`)]),
    ]),
    ...section("WHAT WAS MEASURED", [
      [
        "Since",
        `${since.local}${since.recoveredAt === null ? `, for ${spanText(page.madeAt - since.onset)}` : `, until ${localText(zone, since.recoveredAt)}`}`,
      ],
      ["Values", page.values.map(({ metric, text }) => `${metric.replaceAll("_", " ")} ${text}`).join(", ")],
    ]),
    ...listed(
      `LIKELY CAUSE (${page.classification.is.replace("_", " ")}: ${page.classification.why})`,
      page.causes.map(
        ({ text, strength, evidence }) => `${text} (${strength}). ${evidence.map((one) => one.text).join(" ")}`,
      ),
    ),
    ...listed(
      "WHAT WAS TRIED",
      page.tried.map(
        ({ at, text, by, is }) =>
          `${localText(zone, at)} ${is === "step" ? "done: " : ""}${text}${by === null ? "" : ` (${by})`}`,
      ),
    ),
    ...listed("BEFORE", [
      earlier.counts,
      ...(earlier.usual === null ? [] : [earlier.usual]),
      ...earlier.helped,
      ...earlier.last.map(
        ({ incident, by, rule, openedAt, site, slot, code, tookMs, isOpen }) =>
          `${incident} ${localText(zone, openedAt).slice(0, 10)} ${slot ?? site}${by === "category" ? `, ${rule}` : ""}: ${isOpen ? "still open" : (code ?? "ended").replaceAll("_", " ")}${tookMs === null ? "" : `, took ${spanText(tookMs)}`}`,
      ),
    ]),
    ...listed(
      page.stepsDone > 0 ? `STEPS OPEN (${page.stepsDone} done)` : "STEPS",
      [...page.stepsOpen, ...(page.stepsMore > 0 ? [`… and ${page.stepsMore} more in the runbook`] : [])],
      "[ ]",
    ),
    ...listed("BRING", page.bring),
    "",
  ];
  return lines.join("\n");
}

type Row = readonly [label: string, text: string];
const row = (label: string, text: string): Row => [label, text];

const join = (parts: readonly (string | null | undefined)[]): string =>
  parts.filter((part) => part != null && part !== "").join(", ");

function slotText({ device, deviceName, component, kind, labels, networkAddress }: HandOver["where"]): string {
  if (device === null) return "the whole site";
  return join([
    deviceName === null || deviceName === device ? device : `${deviceName} (${device})`,
    component,
    kind?.replaceAll("_", " "),
    ...labels,
    networkAddress === null ? null : `at ${networkAddress}`,
  ]);
}

const contactRow = ({ name, role, phone, email, reachable }: HandOver["where"]["contacts"][number]): Row => [
  "Call",
  `${join([name, role, phone, email])}${reachable ? "" : " (not at this hour)"}`,
];

function assetRows({ asset, record, vendor, warranty, replacedBy }: HandOver["hardware"]): Row[] {
  const serial = asset.serial === undefined ? null : `serial ${asset.serial}`;
  const firmware = asset.firmware === undefined ? null : `firmware ${asset.firmware}`;
  const what = join([asset.vendor, asset.model, serial, firmware, record?.tag == null ? null : `tag ${record.tag}`]);
  return [
    row("Asset", what === "" ? "not known" : what),
    ...(replacedBy === null ? [] : [row("Now", `serial ${replacedBy} is in the slot`)]),
    ...(warranty === null ? [] : [row("Warranty", warrantyText(warranty))]),
    ...(vendor === null
      ? []
      : [
          row("Vendor", join([vendor.name, vendor.phone, vendor.email, vendor.portal])),
          ...(vendor.contract === null ? [] : [row("Contract", vendor.contract)]),
        ]),
  ];
}

/** `until 2027-02-28`, `over since 2026-11-13`, `ends in 12 days, 2026-12-04`. */
export function warrantyText({ until, state, days }: NonNullable<HandOver["hardware"]["warranty"]>): string {
  if (state === "over") return `OVER since ${until}`;
  if (state === "valid") return `until ${until}`;
  return days === 0 ? `ends today, ${until}` : `ends in ${days} day${days === 1 ? "" : "s"}, ${until}`;
}

function section(title: string, rows: readonly Row[]): string[] {
  const shown = rows.filter(([, text]) => text !== "");
  return shown.length === 0 ? [] : ["", title, ...shown.flatMap(([label, text]) => labelled(label, text))];
}

function listed(title: string, items: readonly string[], mark = "-"): string[] {
  return items.length === 0 ? [] : ["", ...wrap(title, 0), ...items.flatMap((item) => hanging(`  ${mark} `, item))];
}

const labelled = (label: string, text: string): string[] => hanging(`  ${label.padEnd(LABEL - 2)}`, text);

/** The first line begins with `head`, the others below its end. */
function hanging(head: string, text: string): string[] {
  const [first = "", ...more] = wrap(text, head.length);
  return [`${head}${first.trimStart()}`, ...more];
}

/** At blanks, and at what would steer a terminal; a word that is too long for a line is cut. In characters: columns in most scripts. */
function wrap(text: string, indent: number): string[] {
  const room = COLUMNS - indent;
  const lines: string[][] = [[]];
  for (const word of text.split(/[\s\p{Cc}]+/u).flatMap((one) => cut(one, room))) {
    const line = lines.at(-1) ?? [];
    const length = line.reduce((sum, one) => sum + [...one].length + 1, 0);
    if (line.length > 0 && length + [...word].length > room) lines.push([word]);
    else line.push(word);
  }
  return lines.map((words) => `${" ".repeat(indent)}${words.join(" ")}`.trimEnd());
}

function cut(word: string, room: number): string[] {
  const chars = [...word];
  if (chars.length <= room) return [word];
  return Array.from({ length: Math.ceil(chars.length / room) }, (_, n) =>
    chars.slice(n * room, (n + 1) * room).join(""),
  );
}

function spread(left: string, right: string): string[] {
  const gap = COLUMNS - left.length - right.length;
  return gap >= 2 ? [`${left}${" ".repeat(gap)}${right}`] : [left, right];
}
