/** A file that can't be read is left out, and the work done again: nobody goes without an answer for one day's sake. */
import { errorText } from "@aislewatch/base";
import { isFatal } from "./duckdb-connection.ts";
import type { Holdings, SealedFile } from "./duckdb-holdings.ts";

export type Patience = {
  readonly holdings: Holdings;
  readonly setAside: (file: SealedFile, detail: string) => Promise<void>;
  readonly run: (sql: string) => Promise<unknown>;
};

/** An error of the machine, or of whoever ended the statement, is none of a file. */
const NOT_OF_A_FILE =
  /Out of Memory|could not allocate|INTERRUPT|Too many open files|Permission denied|No space left|Catalog Error/i;

/** `suspects`: of which files the work was that failed. */
export async function patient<T>(
  patience: Patience,
  work: () => Promise<T>,
  suspects: () => readonly SealedFile[],
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      const detail = errorText(thrown);
      if (isFatal(thrown) || NOT_OF_A_FILE.test(detail)) throw thrown;
      if (!(await leftOut(patience, detail, suspects()))) throw thrown;
    }
  }
}

/** Most errors name the file; of what its bytes make of Parquet's reader some do not, and then each is read through. */
async function leftOut(patience: Patience, detail: string, suspects: readonly SealedFile[]): Promise<boolean> {
  const { holdings, setAside } = patience;
  const live = suspects.filter(({ state }) => state === "live");
  // The names in a statement are quoted in its errors, too: one that is named alone is meant.
  const named = live.filter(({ name }) => detail.split("\n")[0]?.includes(holdings.path(name)));
  if (named.length === 1 && named[0] !== undefined) {
    await setAside(named[0], detail);
    return true;
  }
  let isFound = false;
  for (const file of live) {
    const fault = await faultOf(patience, file);
    if (fault === null) continue;
    await setAside(file, fault);
    isFound = true;
  }
  return isFound;
}

/** Why it can't be read through, or null. */
export async function faultOf(
  { holdings, run }: Pick<Patience, "holdings" | "run">,
  file: SealedFile,
): Promise<string | null> {
  const values = file.kind === "raw" ? "sum(value)" : "sum(total), sum(least), sum(greatest), sum(n), sum(newest)";
  try {
    await run(`select sum(series), sum(at_ms), ${values} from ${holdings.scan([file])}`);
    return null;
  } catch (thrown) {
    // Whoever ends it says nothing of the file; only what reading it says counts.
    if (isFatal(thrown) || NOT_OF_A_FILE.test(errorText(thrown))) throw thrown;
    return errorText(thrown);
  }
}
