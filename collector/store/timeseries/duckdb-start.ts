/**
 * What a start finds in the folder of sealed days: files that no list names are of a work that was cut off and go; files
 * that are listed and missing or cut short are set aside; those that were set aside before come back if they can be read.
 */
import { mkdir, readdir, stat, unlink } from "node:fs/promises";
import { errorText } from "@aislewatch/base";
import type { DuckDBConnection } from "@duckdb/node-api";
import { quoted } from "./duckdb-connection.ts";
import type { Holdings, SealedFile } from "./duckdb-holdings.ts";
import { SEALED_NAME } from "./duckdb-keeping.ts";
import { dropUnfinished } from "./duckdb-merge.ts";
import { faultOf } from "./duckdb-patience.ts";

export async function settleFiles(
  connection: DuckDBConnection,
  holdings: Holdings,
  tell: (file: SealedFile, detail: string) => void,
): Promise<void> {
  await mkdir(holdings.folder, { recursive: true, mode: 0o700 });
  await dropUnfinished({ connection, holdings });
  for (const file of holdings.files) {
    const { size } = await stat(holdings.path(file.name)).catch(() => ({ size: null }));
    if (file.state === "built" && size !== file.bytes) {
      // It is written again: the slab that it was made of is still there.
      await connection.run(`delete from files where name = ${quoted(file.name)}`);
    } else if (file.state === "live" && size !== file.bytes) {
      const detail = size === null ? "it is not there" : `it has ${size} bytes instead of ${file.bytes}`;
      await setState(connection, file, "set_aside");
      tell(file, detail);
    } else if (file.state === "set_aside") {
      const fault =
        size === null
          ? "it is not there"
          : await faultOf({ holdings, run: (sql) => connection.run(sql) }, file).catch(errorText);
      if (fault === null) await setState(connection, file, "live");
      else tell(file, fault);
    }
  }
  await holdings.read(connection);
  const listed = new Set(holdings.files.map(({ name }) => name));
  for (const name of await readdir(holdings.folder)) {
    if (SEALED_NAME.test(name) && !listed.has(name)) await unlink(holdings.path(name)).catch(() => undefined);
  }
}

export async function setState(
  connection: DuckDBConnection,
  { name }: SealedFile,
  state: SealedFile["state"],
): Promise<void> {
  await connection.run(`update files set state = ${quoted(state)} where name = ${quoted(name)}`);
}
