/**
 * What a print server's line carries towards a Zebra printer, however the bytes are cut: host queries, SGD getvars and
 * label formats (`^XA … ^XZ`), which are counted and not kept, for they hold other people's data. Queries are obeyed
 * at once, inside a format, too. Pure; remembers at most TAIL_CHARS_MAX characters.
 */
export type ZplCommand =
  | { readonly kind: "host-status" }
  | { readonly kind: "host-identification" }
  | { readonly kind: "error-status" }
  /** Another of the `~HQ` group, by its two letters. */
  | { readonly kind: "host-query"; readonly query: string }
  | { readonly kind: "head-diagnostics" }
  | { readonly kind: "variable"; readonly name: string }
  /** A whole format came, for this many labels (`^PQ`; 1 without it). */
  | { readonly kind: "format"; readonly labels: number };

/** No command is longer than this, so what is before it can be forgotten. */
const TAIL_CHARS_MAX = 96;
/** A quantity of more is refused by the printer; ours takes it for as much. */
const LABELS_MAX = 99_999_999;

const TOKEN = /~H(?:S|I|D|Q([A-Z]{2}))|! U1 getvar "([^"\r\n]{1,64})"\r?\n|\^X([AZ])|\^PQ(\d{1,8})(?=[,^~\s])/g;

export class ZplReader {
  #tail = "";
  #labels: number | null = null;

  /** Takes the next bytes and gives the commands that they complete, in order. */
  read(bytes: Uint8Array): ZplCommand[] {
    const text = this.#tail + Buffer.from(bytes).toString("latin1");
    const commands: ZplCommand[] = [];
    let end = 0;
    for (const match of text.matchAll(TOKEN)) {
      end = match.index + match[0].length;
      const command = this.#take(match);
      if (command !== null) commands.push(command);
    }
    this.#tail = text.slice(Math.max(end, text.length - TAIL_CHARS_MAX));
    return commands;
  }

  #take([token, query, name, edge, quantity]: RegExpMatchArray): ZplCommand | null {
    if (query !== undefined) return query === "ES" ? { kind: "error-status" } : { kind: "host-query", query };
    if (name !== undefined) return { kind: "variable", name };
    if (edge === "A") this.#labels = 1;
    else if (edge === "Z") return this.#endFormat();
    else if (quantity !== undefined) {
      if (this.#labels !== null) this.#labels = Math.min(LABELS_MAX, Number(quantity));
    } else if (token === "~HS") return { kind: "host-status" };
    else if (token === "~HI") return { kind: "host-identification" };
    else return { kind: "head-diagnostics" };
    return null;
  }

  #endFormat(): ZplCommand | null {
    const labels = this.#labels;
    this.#labels = null;
    return labels === null ? null : { kind: "format", labels };
  }
}
