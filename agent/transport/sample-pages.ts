/** For program-pages.test.ts: a program that works, gives its pages back, and works on; says how much of files is mapped. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { giveBackProgramPages } from "./program-pages.ts";

const mapped = (): number => Number(/^Pss_File: +(\d+)/m.exec(readFileSync("/proc/self/smaps_rollup", "latin1"))?.[1]);

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

const first = work();
const before = mapped();
const told = await giveBackProgramPages();
const after = mapped();
const same = work() === first && told > 0;
process.stdout.write(JSON.stringify({ before, after, later: mapped(), same }));
