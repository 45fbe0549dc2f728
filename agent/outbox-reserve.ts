/** Space that an outbox gives back when the disk is full, for deleting needs some as well. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const RESERVE_BYTES = 1024 * 1024;

export const reserveOf = (folder: string): string => join(folder, "outbox.reserve");

export function keepReserve(folder: string): void {
  const path = reserveOf(folder);
  if (existsSync(path)) return;
  try {
    writeFileSync(path, Buffer.alloc(RESERVE_BYTES), { mode: 0o600 });
  } catch {
    // No room for it: that is what it would have been for. Tried again in a minute.
    rmSync(path, { force: true });
  }
}

export const giveReserveBack = (folder: string): void => rmSync(reserveOf(folder), { force: true });
