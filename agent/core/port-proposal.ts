/**
 * Open TCP ports at addresses that nobody answered from over SNMP: which device is there only a person knows, so each is
 * a comment to complete. Of a device that speaks SNMP an open port is no news: it is watched already, without taking the
 * one connection that its port may have.
 */
import { DEVICE_ID_PATTERN } from "@aislewatch/contract";
import type { Kind } from "@aislewatch/devices";
import { compareAddresses } from "./subnet.ts";

export type OpenPort = {
  readonly address: string;
  readonly port: number;
  readonly id: string;
  readonly kind: Kind;
};

type Meaning = { readonly kind: Kind; readonly note: string; readonly keys: readonly string[] };

const MEANINGS: Readonly<Record<number, Meaning>> = {
  9100: {
    kind: "label_printer",
    note: "port 9100 is open and nobody answers SNMP: a printer? Say which language it speaks",
    keys: ["driver: zpl # or tspl, epl, dpl, sbpl; a receipt printer: kind receipt_printer, driver escpos or star"],
  },
  502: {
    kind: "drive",
    note: "port 502 is open: Modbus TCP? Say which device it is; aislewatch-agent profiles list names the maps",
    keys: ["driver: modbus", "map: siemens-v20", "unit: 1"],
  },
};

/** Without those of `spoken`, which answered over SNMP. */
export function openPortsOf(
  ports: ReadonlyMap<string, readonly number[]>,
  spoken: ReadonlySet<string>,
  taken: ReadonlySet<string>,
): readonly OpenPort[] {
  const used = new Set(taken);
  const silent = [...ports].filter(([address]) => !spoken.has(address));
  return silent
    .sort(([a], [b]) => compareAddresses(a, b))
    .flatMap(([address, open]) =>
      open.flatMap((port): OpenPort[] => {
        const kind = MEANINGS[port]?.kind;
        if (kind === undefined) return [];
        const id = idFor(kind, address, used);
        used.add(id);
        return [{ address, port, id, kind }];
      }),
    );
}

function idFor(kind: Kind, address: string, used: ReadonlySet<string>): string {
  const parts = address.split(/[.:]+/).filter(Boolean);
  const tails = [parts.slice(-2), parts].map((some) => some.join("-").toLowerCase());
  for (let n = 1; ; n++) {
    const tail = tails[n - 1] ?? `${tails[1]}-${n}`;
    const id = `${kind.replaceAll("_", "-")}-${tail}`;
    if (!used.has(id) && DEVICE_ID_PATTERN.test(id)) return id;
  }
}

/** A comment in the list of devices. */
export function writeOpenPort({ address, port, id, kind }: OpenPort): string {
  const { note, keys } = MEANINGS[port] ?? { note: "", keys: [] };
  const host = address.includes(":") ? `[${address}]` : address;
  return [
    `# ${address}: ${note}, and take the # away:`,
    `# - id: ${id}`,
    `#   kind: ${kind}`,
    ...keys.map((key) => `#   ${key}`),
    `#   line: { tcp: ${JSON.stringify(`${host}:${port}`)} }`,
  ]
    .map((line) => `  ${line}`)
    .join("\n");
}
