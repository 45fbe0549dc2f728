/** Patterns were checked when the profile was read; the few hundred of them are compiled once. */
const compiled = new Map<string, RegExp>();

/** The first capture, or the whole match when there is none; null when it does not match. */
export function capture(pattern: string, text: string): string | null {
  let regexp = compiled.get(pattern);
  if (regexp === undefined) {
    regexp = new RegExp(pattern, "u");
    compiled.set(pattern, regexp);
  }
  const found = regexp.exec(text);
  return found === null ? null : (found[1] ?? found[0]);
}

/** `*` stands for one arc, at the end for any number of them, none included. */
export function isOidLike(oid: string, glob: string): boolean {
  const arcs = oid.split(".");
  const wanted = glob.split(".");
  const open = wanted.at(-1) === "*";
  const fixed = open ? wanted.slice(0, -1) : wanted;
  if (arcs.length < fixed.length || (!open && arcs.length !== fixed.length)) return false;
  return fixed.every((arc, i) => arc === "*" || arc === arcs[i]);
}

/** Below, at or above 0, by the numbers in both from left to right: V4.10 is after V4.9b. */
export function compareVersions(a: string, b: string): number {
  const left = a.match(/\d+/g) ?? [];
  const right = b.match(/\d+/g) ?? [];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = Number(left[i] ?? 0) - Number(right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
