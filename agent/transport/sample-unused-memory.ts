/**
 * For unused-memory.test.ts: a program that works, gives back what it does not use, and works on; says how much of files
 * is mapped, in KiB, and how much is held that no file holds, before and after. Run with `--expose-gc`.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { giveBackUnusedMemory } from "./unused-memory.ts";

/** 38 MiB in pieces that malloc cuts from its heap, and of each hundred the one that lives on. */
const PIECES = 20_000;
const PIECE_BYTES = 2_000;
const LIVES = 100;

const pss = (of: "File" | "Anon"): number =>
  Number(new RegExp(`^Pss_${of}: +(\\d+)`, "m").exec(readFileSync("/proc/self/smaps_rollup", "latin1"))?.[1]);

function work(): string {
  const text = Array.from(
    { length: 2_000 },
    (_, n) => `${n}: ${new Intl.NumberFormat("de").format(n * 1_234.5)}`,
  ).join();
  const add = new Function("a", "b", "return a + b") as (a: number, b: number) => number;
  return createHash("sha256")
    .update(gzipSync(text.replaceAll(/(\d)(?=\p{P})/gu, "$1 ").normalize("NFD")))
    .update(String(add(1, 2)))
    .digest("hex");
}

function scatter(): Buffer[] {
  const pieces = Array.from({ length: PIECES }, (_, n) => Buffer.allocUnsafeSlow(PIECE_BYTES).fill(n));
  return pieces.filter((_, n) => n % LIVES === 0);
}

const first = work();
const living = scatter();
globalThis.gc?.();
const before = { files: pss("File"), own: pss("Anon") };
const told = await giveBackUnusedMemory();
const after = { files: pss("File"), own: pss("Anon") };
const same =
  work() === first && told > 0 && living.every((piece, n) => piece.every((byte) => byte === (n * LIVES) % 256));
process.stdout.write(JSON.stringify({ before, after, laterFiles: pss("File"), same }));
