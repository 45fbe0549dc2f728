/** What a `doctor` found: one line each, what is wrong beside what to do about it. The same for both programs. */

export type Finding = {
  /** What it is about: `configuration`, `outbox`, `broker`, … */
  readonly group: string;
  /** `warn`: it works, and will not for long or not as it should. `fail`: something does not work. */
  readonly level: "ok" | "warn" | "fail";
  readonly what: string;
  /** What to do, for whoever reads it: a command where there is one. */
  readonly todo?: string;
};

const EXIT_OF = { ok: 0, warn: 1, fail: 2 } as const;

/** 0 all is well, 1 something is worth a look, 2 something does not work. */
export const findingsExit = (findings: readonly Finding[]): 0 | 1 | 2 =>
  findings.reduce<0 | 1 | 2>((worst, { level }) => (EXIT_OF[level] > worst ? EXIT_OF[level] : worst), 0);

/** Groups in the order of their first finding; the worst is counted in the last line. */
export function findingsText(findings: readonly Finding[]): string {
  const groups = Map.groupBy(findings, ({ group }) => group);
  const blocks = [...groups].map(([group, found]) => `${group}\n${found.map(lineOf).join("")}`);
  const count = (level: Finding["level"]): number => findings.filter((one) => one.level === level).length;
  return `${blocks.join("\n")}\n${count("ok")} ok, ${count("warn")} to look at, ${count("fail")} wrong\n`;
}

function lineOf({ level, what, todo }: Finding): string {
  const more = todo === undefined ? "" : `${indented(`→ ${todo}`)}\n`;
  return `  ${level.padEnd(4)}  ${indented(what).trimStart()}\n${more}`;
}

const indented = (text: string): string =>
  text
    .split("\n")
    .map((line) => `        ${line}`)
    .join("\n");

/** For scripts. */
export const findingsJson = (findings: readonly Finding[]): string =>
  `${JSON.stringify({ exit: findingsExit(findings), findings }, null, 2)}\n`;
