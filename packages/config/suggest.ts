/**
 * The candidate that a person most likely meant, or null when none is close. Distance is Damerau's (optimal string
 * alignment), because swapped neighbours are the most common slip of the fingers; `comunity`, `snmpp` and `hots` are
 * one step from the truth. A third of the word may be wrong; separators and case count nothing.
 */
export function suggest(word: string, candidates: Iterable<string>): string | null {
  const wanted = fold(word);
  if (wanted.length === 0 || wanted.length > WORD_CHARS_MAX) return null;
  const names = [...candidates];
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of names) {
    const folded = fold(candidate);
    if (Math.abs(folded.length - wanted.length) >= bestDistance) continue;
    const distance = editDistance(wanted, folded);
    // Two words without a letter in common are no slip of each other, however short they are.
    if (distance < Math.min(bestDistance, Math.max(wanted.length, folded.length)))
      [best, bestDistance] = [candidate, distance];
  }
  return best ?? begunBy(wanted, names) ?? partOf(word, names);
}

/** A name that was written in part, such as "baud" of "baud_rate"; null when there are several of them. */
function begunBy(wanted: string, candidates: readonly string[]): string | null {
  const begun = wanted.length < PART_CHARS_MIN ? [] : candidates.filter((name) => fold(name).startsWith(wanted));
  return begun.length === 1 ? (begun[0] ?? null) : null;
}

/** A name of which one whole part was written, such as "switch" of "network_switch"; null when there are several. */
function partOf(word: string, candidates: readonly string[]): string | null {
  const parts = candidates.filter((name) => name.toLowerCase().split(/[-_ ]/).includes(word.toLowerCase()));
  return parts.length === 1 ? (parts[0] ?? null) : null;
}

/** Fewer letters begin anything. */
const PART_CHARS_MIN = 3;

/** Longer "words" are not typing mistakes of a key or an option, and cost quadratic time. */
const WORD_CHARS_MAX = 64;

const fold = (word: string): string => word.toLowerCase().replace(/[-_ ]/g, "");

function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(at(previous, j) + 1, at(row, j - 1) + 1, at(previous, j - 1) + changed);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, at(before, j - 2) + 1);
      row.push(cost);
    }
    [before, previous] = [previous, row];
  }
  return at(previous, b.length);
}

const at = (row: readonly number[], index: number): number => row[index] ?? Number.POSITIVE_INFINITY;
