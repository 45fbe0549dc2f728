/** Chromium for tests, and pages that remember everything which must not happen in them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect } from "vitest";
import { type CollectorRig, onCleanUp, PATIENCE_MS, runOnce } from "../rig/rig.ts";

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];
const IN_PAGE = readFileSync(join(import.meta.dirname, "in-page.js"), "utf8");

export async function startChromium(): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ARGS });
  onCleanUp(() => browser.close());
  return browser;
}

export type Watched = {
  readonly page: Page;
  /** Errors of the console, violations of the content security policy, requests to another host. */
  readonly problems: readonly string[];
};

/**
 * A new window with storage of its own. Chromium itself reports each refused request as an error of the console; those
 * that a test provokes are named in `expected`.
 */
export async function openWindow(
  browser: Browser,
  collector: CollectorRig,
  options: BrowserContextOptions & { expected?: RegExp } = {},
): Promise<Watched> {
  const { expected, ...context } = options;
  const opened = await browser.newContext({
    baseURL: collector.http,
    viewport: { width: 1440, height: 900 },
    ...context,
  });
  await opened.addInitScript(IN_PAGE);
  opened.setDefaultTimeout(PATIENCE_MS);
  const page = await opened.newPage();
  const problems: string[] = [];
  const note = (text: string): void => {
    if (expected?.test(text) !== true) problems.push(text);
  };
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") note(message.text());
  });
  page.on("pageerror", (error) => note(String(error)));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && url.origin !== collector.http) note(`asked another host: ${url.origin}`);
  });
  return { page, problems };
}

/** The path of a new sign-in link. The user `admin` is made when there is none. */
export async function signInLink(collector: CollectorRig, user?: string): Promise<string> {
  const words = ["login-link", ...(user === undefined ? [] : [user]), "--config", collector.config];
  const made = await runOnce("collector/main.ts", [...words, "--url", collector.http]);
  if (made.code !== 0) throw new Error(made.stderr);
  return made.stdout.trim().slice(collector.http.length);
}

/** A window in which somebody is signed in, and the board is live. */
export async function signedIn(
  browser: Browser,
  collector: CollectorRig,
  options: Parameters<typeof openWindow>[2] & { user?: string } = {},
): Promise<Watched> {
  const { user, ...rest } = options;
  const window = await openWindow(browser, collector, rest);
  await window.page.goto(await signInLink(collector, user));
  await isLive(window.page);
  return window;
}

export async function isLive(page: Page, timeoutMs = PATIENCE_MS): Promise<void> {
  await page.locator('[data-testid="connection"][data-state="live"]').waitFor({ timeout: timeoutMs });
}

/** Runs an expression in the page; `look` is in-page.js. */
export const ask = <T>(page: Page, expression: string): Promise<T> => page.evaluate<T>(expression);

export const rowOf = (page: Page, text: string) => page.getByTestId("incident-row").filter({ hasText: text });

export async function addUser(collector: CollectorRig, name: string, role = "operator"): Promise<void> {
  const added = await runOnce("collector/main.ts", [
    "users",
    "add",
    name,
    "--role",
    role,
    "--config",
    collector.config,
  ]);
  expect(added.code, added.stderr).toBe(0);
}
