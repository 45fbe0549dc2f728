/** `2 h 5 min`, the two largest units: what people say. */
export function formatAge(ms: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1_000],
  ] as const;
  const first = units.findIndex(([, size]) => ms >= size);
  if (first < 0) return "now";
  const [name, size] = units[first] ?? ["s", 1_000];
  const next = units[first + 1];
  const rest = next === undefined ? 0 : Math.floor((ms % size) / next[1]);
  return `${Math.floor(ms / size)} ${name}${next !== undefined && rest > 0 ? ` ${rest} ${next[0]}` : ""}`;
}
