/**
 * What a hand-over takes from a runbook: its numbered steps, known by their words as the page ticks them off
 * (page/src/incident/steps.ts; a test holds the two together over all shipped runbooks), and what it says to bring.
 */

/** In characters, as the page has it; of steps with the same words each has its number beside them. */
const NAME_CHARS_MAX = 120;
const STEPS_MAX = 50;
const BRING_MAX = 20;
/** Longer than any runbook that a person would follow. */
const TEXT_CHARS_MAX = 64 * 1024;

export type RunbookStep = {
  /** What `checked` events call it. */
  readonly name: string;
  readonly text: string;
};

/** Steps of the runbook's own numbered lists, in their order; not of lists inside a step. */
export function stepsOf(markdown: string): RunbookStep[] {
  const steps: RunbookStep[] = [];
  const taken = new Set<string>();
  const times = new Map<string, number>();
  for (const text of itemsOf(linesOf(markdown), NUMBERED)) {
    const words = [...text].slice(0, NAME_CHARS_MAX).join("");
    if (words === "") continue;
    let time = (times.get(words) ?? 0) + 1;
    while (taken.has(numbered(words, time))) time += 1;
    times.set(words, time);
    taken.add(numbered(words, time));
    steps.push({ name: numbered(words, time), text });
  }
  return steps.slice(0, STEPS_MAX);
}

const numbered = (words: string, time: number): string => (time === 1 ? words : `${words} (${time})`);

/** The list below the heading "Bring". */
export function bringOf(markdown: string): string[] {
  const lines = linesOf(markdown);
  const from = lines.findIndex((line) => /^#{1,6}\s+bring\s*#*$/i.test(line));
  if (from < 0) return [];
  const rest = lines.slice(from + 1);
  const next = rest.findIndex((line) => /^#{1,6}\s/.test(line));
  return itemsOf(next < 0 ? rest : rest.slice(0, next), BULLET)
    .map((text) => text.replace(/\.$/, ""))
    .slice(0, BRING_MAX);
}

const linesOf = (markdown: string): string[] => markdown.slice(0, TEXT_CHARS_MAX).replace(/\r\n?/g, "\n").split("\n");

const NUMBERED = /^ {0,12}\d{1,4}[.)] +(?=\S)/;
const BULLET = /^ {0,12}[-*+] +(?=\S)/;

/** Items of lists that begin where lines do, each with the lines that go on with it; lists inside items are passed over. */
function itemsOf(lines: readonly string[], marker: RegExp): string[] {
  const items: string[] = [];
  let item: string[] | null = null;
  let isCode = false;
  for (const line of lines) {
    const indent = line.length - line.trimStart().length;
    if (line.trimStart().startsWith("```")) isCode = !isCode;
    if (isCode || line.trimStart().startsWith("```")) continue;
    const isItem = NUMBERED.test(line) || BULLET.test(line);
    if (indent === 0 && isItem) {
      if (item !== null) items.push(plain(item.join(" ")));
      item = marker.test(line) ? [line.replace(marker, "").trim()] : null;
    } else if (item !== null && !isItem && indent > 0 && line.trim() !== "") {
      item.push(line.trim());
    } else if (indent === 0 || isItem) {
      if (item !== null) items.push(plain(item.join(" ")));
      item = null;
    }
  }
  if (item !== null) items.push(plain(item.join(" ")));
  return items;
}

/** The words without the marks of code, emphasis and links. */
function plain(text: string): string {
  return text
    .replace(/`([^`]+)`|\[([^\]]+)\]\([^)\s]+\)|\*\*(?=\S)(.+?)\*\*|\*(?=\S)(.+?)\*/g, (_, code, link, strong, em) => {
      if (code !== undefined) return code;
      return plain(link ?? strong ?? em ?? "");
    })
    .replace(/\\([\\`*_[\]()#.+-])/g, "$1")
    .trim();
}
