/**
 * Telemetry as InfluxDB's line protocol; pure. One line is one reading of one device or component, with all of its
 * metrics:
 *
 *     readings,component=tray-2,device=lane-3/printer,site=store-1 media_remaining_percent=40,media_out?=0 1700000000000
 *
 * - **Tags** are site, device and component, which stay as long as the slot does: a fleet of a thousand stores has some
 *   60,000 of them where a measurement for each metric would make 600,000. Nothing that changes is one (agent, epoch,
 *   asset, firmware), for an index only grows.
 * - **Fields never change their type.** All are floats; a boolean is 0 or 1 in a field of its own, the metric's name and
 *   a question mark, so a metric that turns from number to boolean conflicts with nothing.
 * - **The same sample is the same point**: times are whole milliseconds, tags stand in order, and nothing of the batch
 *   that brought it is in it. Written twice it is there once.
 * - Line protocol has no way to write a line break, a backslash at the end or an empty tag: those characters, and the
 *   first letter of a metric named like a tag or `time`, are written as %XX. No id or metric that comes off the wire holds one (packages/contract).
 *
 * How far a lane was stored stands in a measurement of its own, at the beginning of a day:
 *
 *     aislewatch_lanes,agent=host-1,epoch=e1,lane=live,site=store-1 seq=42i 1700006400000
 *
 * Source: InfluxDB 1.8 documentation, "Line protocol reference".
 */
import { splitSubject, type Telemetry } from "@aislewatch/contract";
import type { LaneKey, SeriesId } from "./store.ts";

export const READINGS = "readings";
export const LANES = "aislewatch_lanes";

/** Texts that are kept between batches; beyond it they are made again. 200,000 are about 30 MB. */
const CACHED_MAX = 200_000;

/** A name as it stands in InfluxDB, before any quoting; `decodeName` gives it back. */
export const encodeName = (text: string): string =>
  text === ""
    ? "%"
    : // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what can't be written.
      text.replace(/[\u0000-\u001f\u007f%\\]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`);

export const decodeName = (text: string): string =>
  text === "%"
    ? ""
    : text.replace(/%([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));

/** InfluxDB's own column, and our tags: a field of such a name could not be asked for. */
const RESERVED: ReadonlySet<string> = new Set(["time", "site", "device", "component"]);

/** The field that holds a metric's numbers, and the one that holds its booleans. */
export const fieldsOf = (metric: string): { readonly number: string; readonly boolean: string } => {
  const name = RESERVED.has(metric) ? `%${metric.charCodeAt(0).toString(16)}${metric.slice(1)}` : encodeName(metric);
  return { number: name, boolean: `${name}?` };
};

export function metricOf(field: string): { readonly metric: string; readonly isBoolean: boolean } {
  const isBoolean = field.endsWith("?");
  return { metric: decodeName(isBoolean ? field.slice(0, -1) : field), isBoolean };
}

/** A tag value, tag key or field key in a line. */
export const inLine = (encoded: string): string => encoded.replace(/[ ,=]/g, "\\$&");

const tag = (key: string, value: string): string => `,${key}=${inLine(encodeName(value))}`;

export function laneLine({ site, agent, epoch, lane }: LaneKey, seq: number, atMs: number): string {
  return `${LANES}${tag("agent", agent)}${tag("epoch", epoch)}${tag("lane", lane)}${tag("site", site)} seq=${seq}i ${atMs}`;
}

/** Lines of batches, one after the other. The texts that come again and again are made once. */
export class LineEncoder {
  #prefixes = new Map<string, Map<string, string>>();
  #cached = 0;
  #fields = new Map<string, { readonly number: string; readonly boolean: string }>();

  /** Appends a batch's lines to `into`; gives how many samples they hold, and how many can't be written. */
  encode(
    from: { readonly site: string; readonly message: Telemetry; readonly skewMs: number },
    into: string[],
  ): { samples: number; refused: number } {
    const { site, message } = from;
    const base = message.base + Math.trunc(from.skewMs);
    let samples = 0;
    let refused = 0;
    for (const { metrics, subject, at, values } of message.tables) {
      const fields = metrics.map((metric) => this.#field(metric));
      for (let row = 0; row < subject.length; row++) {
        let text = "";
        for (let m = 0; m < fields.length; m++) {
          const value = values[m]?.[row] ?? null;
          const field = fields[m];
          if (value === null || field === undefined) continue;
          if (typeof value === "number" && !Number.isFinite(value)) {
            refused++;
            continue;
          }
          samples++;
          if (text !== "") text += ",";
          text += typeof value === "number" ? field.number + numberText(value) : field.boolean + (value ? "1" : "0");
        }
        if (text === "") continue;
        const prefix = this.#prefix(site, message.subjects[subject[row] ?? -1] ?? "");
        into.push(`${prefix}${text} ${base + (at[row] ?? 0)}`);
      }
    }
    return { samples, refused };
  }

  #field(metric: string): { readonly number: string; readonly boolean: string } {
    let field = this.#fields.get(metric);
    if (field === undefined) {
      this.#countCached();
      const { number, boolean } = fieldsOf(metric);
      field = { number: `${inLine(number)}=`, boolean: `${inLine(boolean)}=` };
      this.#fields.set(metric, field);
    }
    return field;
  }

  #prefix(site: string, subject: string): string {
    let ofSite = this.#prefixes.get(site);
    if (ofSite === undefined) {
      ofSite = new Map();
      this.#prefixes.set(site, ofSite);
    }
    let prefix = ofSite.get(subject);
    if (prefix === undefined) {
      this.#countCached();
      const { device, component } = splitSubject(subject);
      const part = component === null ? "" : tag("component", component);
      prefix = `${READINGS}${part}${tag("device", device)}${tag("site", site)} `;
      ofSite.set(subject, prefix);
    }
    return prefix;
  }

  #countCached(): void {
    if (++this.#cached <= CACHED_MAX) return;
    this.#prefixes.clear();
    this.#fields.clear();
    this.#cached = 0;
  }
}

/** JSON knows no other numbers; minus zero keeps its sign. */
const numberText = (value: number): string => (Object.is(value, -0) ? "-0" : String(value));

/** The line without one of its fields, or null when nothing is left of it; the same line when it has no such field. */
export function withoutField(line: string, field: string): string | null {
  const [head, tail] = [/(?<!\\) /.exec(line)?.index ?? -1, line.lastIndexOf(" ")];
  if (head < 0 || tail <= head) return line;
  const key = `${inLine(field)}=`;
  const fields = line.slice(head + 1, tail).split(/(?<!\\),/);
  const left = fields.filter((each) => !each.startsWith(key));
  if (left.length === fields.length) return line;
  return left.length === 0 ? null : `${line.slice(0, head)} ${left.join(",")}${line.slice(tail)}`;
}

/** What a series' tags say in a WHERE clause; a tag that is not there equals the empty text. */
export const whereSubject = ({ device, component }: Pick<SeriesId, "device" | "component">): string =>
  `"device" = ${literal(device)} AND "component" = ${component === null ? "''" : literal(component)}`;

/** A name as a text in InfluxQL. */
export const literal = (text: string): string => `'${encodeName(text).replace(/'/g, "\\'")}'`;
export const identifier = (encoded: string): string => `"${encoded.replace(/"/g, '\\"')}"`;
