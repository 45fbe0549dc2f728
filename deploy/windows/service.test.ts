/**
 * service.ps1 was never run here: neither Debian nor npm has PowerShell. What can be known without it is held here: it
 * parses, calls nothing that Windows has not, reads the launchers as they are written, and finds all files that it names.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Language, type Node, Parser } from "@vscode/tree-sitter-wasm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadConfigFile } from "../../agent/cli/read-config.ts";
import { loadCollectorConfig } from "../../collector/config.ts";
import { ROOT } from "../bundle.ts";
import { addHosting } from "../release/hosting.ts";
import { TARGETS } from "../release/target.ts";
import { type Product, writeLaunchers } from "../release/tree.ts";

const script = readFileSync(join(import.meta.dirname, "service.ps1"), "utf8");
/** What the script calls, with those of its parameters that it uses, by learn.microsoft.com for Windows PowerShell 5.1. */
const CMDLETS: Readonly<Record<string, readonly string[]>> = {
  "Copy-Item": ["LiteralPath", "Destination"],
  "Disable-ScheduledTask": ["TaskPath", "TaskName"],
  "Enable-ScheduledTask": ["TaskPath", "TaskName"],
  "ForEach-Object": [],
  "Get-ChildItem": ["LiteralPath", "File"],
  "Get-CimInstance": ["ClassName", "Filter"],
  "Get-Content": ["LiteralPath", "Tail"],
  "Get-Date": [],
  "Get-ScheduledTask": ["TaskPath", "TaskName", "ErrorAction"],
  "Get-ScheduledTaskInfo": ["TaskPath", "TaskName"],
  "Join-Path": [],
  "New-Item": ["ItemType", "Path"],
  "New-Object": [],
  "New-ScheduledTaskAction": ["Execute", "Argument", "WorkingDirectory"],
  "New-ScheduledTaskPrincipal": ["UserId", "LogonType", "RunLevel"],
  "New-ScheduledTaskSettingsSet": [
    ...["MultipleInstances", "ExecutionTimeLimit", "AllowStartIfOnBatteries", "DontStopIfGoingOnBatteries"],
    ...["DontStopOnIdleEnd", "StartWhenAvailable", "Priority"],
  ],
  "New-ScheduledTaskTrigger": ["AtStartup", "Once", "At", "RepetitionInterval"],
  "New-TimeSpan": ["Minutes"],
  "Out-Null": [],
  "Register-ScheduledTask": [
    ...["TaskPath", "TaskName", "Action", "Trigger", "Settings", "Principal", "Description", "Force"],
  ],
  "Remove-Item": ["LiteralPath", "Recurse", "Force"],
  "Set-StrictMode": ["Version"],
  "Split-Path": ["Parent"],
  "Start-ScheduledTask": ["TaskPath", "TaskName"],
  "Start-Sleep": ["Seconds"],
  "Stop-Process": ["Id", "Force", "ErrorAction"],
  "Stop-ScheduledTask": ["TaskPath", "TaskName"],
  "Test-Path": ["LiteralPath", "PathType"],
  "Unregister-ScheduledTask": ["TaskPath", "TaskName", "Confirm"],
  "Where-Object": [],
  "Write-Output": [],
};
/** By their path, or after `&`. */
const PROGRAMS = ["icacls.exe", "$Node"];

const work = mkdtempSync(join(tmpdir(), "service-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

let root: Node;
beforeAll(async () => {
  await Parser.init();
  const grammar = createRequire(import.meta.url).resolve("@vscode/tree-sitter-wasm/wasm/tree-sitter-powershell.wasm");
  const parser = new Parser();
  parser.setLanguage(await Language.load(grammar));
  const tree = parser.parse(script);
  if (tree === null) throw new Error("no tree");
  root = tree.rootNode;
});

const all = (type: string): readonly Node[] => root.descendantsOfType(type).filter((node) => node !== null);
const texts = (nodes: readonly Node[]): readonly string[] => [...new Set(nodes.map(({ text }) => text))];

/** The `ValidateSet` above a parameter. */
function wordsOf(parameter: string): readonly string[] {
  const set = new RegExp(`ValidateSet\\(([^)]*)\\)\\]\\s*\\[string\\]\\$${parameter}\\b`).exec(script)?.[1] ?? "";
  return [...set.matchAll(/'(\w+)'/g)].map(([, word = ""]) => word);
}

describe("the Windows service script", () => {
  it("parses", () => {
    expect(root.hasError).toBe(false);
  });

  it("has ASCII only: Windows PowerShell takes a file without a mark for one in the system's code page", () => {
    expect(script.match(/[^\t\n\x20-\x7e]/g)).toBeNull();
  });

  it("calls nothing but its own functions, and cmdlets that Windows has", () => {
    const own = texts(all("function_name"));
    const called = texts(all("command_name")).filter((name) => !own.includes(name) && !PROGRAMS.includes(name));
    expect(called.filter((name) => !(name in CMDLETS))).toEqual([]);
    expect(Object.keys(CMDLETS).filter((name) => !script.includes(name))).toEqual([]);
    // A function that nothing calls is one that was meant to be called.
    expect(own.filter((name) => script.split(name).length < 3)).toEqual([]);
  });

  it("gives cmdlets the parameters that they have", () => {
    const given = all("command").flatMap((command) => {
      const [name] = command.children.filter((child) => child?.type === "command_name");
      const known = CMDLETS[name?.text ?? ""];
      if (known === undefined) return [];
      const own = command.children
        .filter((child) => child?.type === "command_elements")
        .flatMap((elements) => elements?.children ?? [])
        .filter((child) => child?.type === "command_parameter")
        .map((child) => (child?.text ?? "").replace(/^-|:$/g, ""));
      return own.filter((one) => !known.includes(one)).map((one) => `${name?.text} -${one}`);
    });
    expect(given).toEqual([]);
  });

  it("uses no variable that nothing has set", () => {
    const names = (nodes: readonly Node[]) => nodes.map(({ text }) => text.toLowerCase());
    const set = new Set([
      ...names(all("left_assignment_expression")).map((text) => /\$\w+/.exec(text)?.[0] ?? ""),
      ...names(all("script_parameter")).map((text) => /\$\w+/.exec(text)?.[0] ?? ""),
      ...[...script.matchAll(/foreach \((\$\w+)|function [\w-]+\(([^)]*)\)/gi)]
        .flatMap(([, one = "", list = ""]) => [one, ...(list.match(/\$\w+/g) ?? [])])
        .map((name) => name.toLowerCase()),
    ]);
    const automatic = ["$_", "$null", "$true", "$false", "$matches", "$psscriptroot", "$lastexitcode"];
    const known = [...automatic, "$executioncontext", "$env:programdata"];
    expect([...new Set(names(all("variable")))].filter((name) => !set.has(name) && !known.includes(name))).toEqual([]);
  });

  it.each<{ product: Product; programs: readonly string[] }>([
    { product: "aislewatch", programs: ["agent", "collector"] },
    { product: "aislewatch-agent", programs: ["agent"] },
  ])("finds in the archive $product what it names", ({ product, programs }) => {
    const target = TARGETS.find(({ os }) => os === "win32");
    if (target === undefined) throw new Error("no Windows");
    const folder = join(work, product);
    writeLaunchers(product, target, folder);
    addHosting({ product, target, folder });
    for (const program of programs) {
      const about = new RegExp(`${program} += @\\{ Launcher = '([^']+)'.*Files = @\\(([^)]*)\\)`).exec(script);
      const [, launcher = "", files = ""] = about ?? [];
      const pattern = /-match '([^']+)'/.exec(script)?.[1] ?? "";
      const lines = readFileSync(join(folder, launcher.replaceAll("\\", "/")), "utf8").split("\r\n");
      const starts = lines.flatMap((line) => [new RegExp(pattern).exec(line)?.slice(1) ?? []].flat());
      expect(starts).toEqual([
        expect.stringMatching(/^--disable-warning=ExperimentalWarning( --[\w=-]+)*$/),
        program === "agent" ? "agent\\main.mjs" : "collector\\aislewatch.mjs",
      ]);
      const named = [...files.matchAll(/'([^']+)'/g)].map(([, name = ""]) => name);
      for (const name of ["service.ps1", "keep-running.mjs", ...named])
        expect(existsSync(join(folder, "service", name)), name).toBe(true);
    }
    expect(script).toContain(`Join-Path $Release '${target.nodeFile.replaceAll("/", "\\").replace(/^/, "node\\")}'`);
    expect(existsSync(join(folder, "service/service.test.ts"))).toBe(false);
  });

  it("begins with configurations in which nothing but the agent's password is missing", async () => {
    for (const name of ["agent.yaml", "collector.yaml", "sites.yaml"])
      copyFileSync(join(import.meta.dirname, name), join(work, name));
    const { diagnostics } = await loadConfigFile(join(work, "agent.yaml"), {});
    expect(diagnostics.map(({ code, path }) => [code, path])).toEqual([
      ["CFG_SECRET_UNREADABLE", "collector.password"],
    ]);
    const collector = loadCollectorConfig(join(work, "collector.yaml"), {});
    expect(collector.ok && collector.value.data).toBe(join(work, "data"));
  });

  it("has the commands and parameters that docs/install.md gives it", () => {
    const docs = readFileSync(join(ROOT, "docs/install.md"), "utf8");
    const given = [...docs.matchAll(/service\.ps1 +(\w+)(?: +(\w+))?([^`\n]*)/g)];
    expect(given.length).toBeGreaterThan(3);
    for (const [line, command = "", program = "agent", rest = ""] of given) {
      expect(wordsOf("Command"), line).toContain(command);
      expect(wordsOf("Program"), line).toContain(program);
      for (const [, parameter] of rest.matchAll(/ -(\w+)/g))
        expect(texts(all("script_parameter")).join("\n"), line).toContain(`$${parameter}`);
    }
  });
});
