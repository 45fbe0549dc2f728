/** A cupsd of its own below a folder, with queues that print to nowhere. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { startPeer } from "./rig.ts";

/** cupsd wants root for its own folders' owners; without it there is nothing to test against. */
export function cupsMissing(): boolean {
  const missing = (process.env["AISLEWATCH_MISSING_PACKAGES"] ?? "").split(",");
  const isLacking = missing.some((name) => name.startsWith("cups-")) || process.getuid?.() !== 0;
  return isLacking || !existsSync("/usr/sbin/cupsd");
}

export type CupsQueue = { readonly name: string; readonly deviceUri?: string; readonly makeAndModel?: string };

export async function startCups(
  folder: string,
  { listen, queues }: { readonly listen: readonly string[]; readonly queues: readonly CupsQueue[] },
): Promise<void> {
  for (const name of ["etc/ppd", "run/certs", "spool/tmp", "cache", "log"])
    mkdirSync(join(folder, name), { recursive: true });
  for (const at of listen) if (at.startsWith("/")) mkdirSync(dirname(at), { recursive: true });
  const files = {
    "etc/cups-files.conf": [
      `ServerRoot ${folder}/etc`,
      `RequestRoot ${folder}/spool`,
      `CacheDir ${folder}/cache`,
      `StateDir ${folder}/run`,
      `TempDir ${folder}/spool/tmp`,
      `AccessLog ${folder}/log/access`,
      `ErrorLog ${folder}/log/error`,
      `PageLog ${folder}/log/page`,
      "FileDevice Yes",
      "Sandboxing relaxed",
    ],
    "etc/cupsd.conf": [
      ...listen.map((at) => `Listen ${at}`),
      "DefaultAuthType None",
      "WebInterface No",
      "Browsing No",
      "<Location />\nOrder allow,deny\nAllow all\n</Location>",
      "<Policy default>\n<Limit All>\nOrder deny,allow\n</Limit>\n</Policy>",
    ],
    "etc/printers.conf": queues.flatMap(({ name, deviceUri = "file:///dev/null", makeAndModel }) => [
      `<Printer ${name}>`,
      `DeviceURI ${deviceUri}`,
      ...(makeAndModel === undefined ? [] : [`MakeModel ${makeAndModel}`]),
      "State Idle",
      "Accepting Yes",
      "Shared Yes",
      "</Printer>",
    ]),
  };
  for (const [name, lines] of Object.entries(files)) writeFileSync(join(folder, name), `${lines.join("\n")}\n`);
  await startPeer("cupsd", ["-f", "-c", join(folder, "etc/cupsd.conf"), "-s", join(folder, "etc/cups-files.conf")]);
}
