/** A person is forgotten by a collector that runs: in its memory, in its answers and in every byte of its files. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { mentionEverywhere, openStore, workedBy } from "../../collector/privacy/sample-people.ts";
import { type CollectorRig, cleanUp, runOnce, startCollector } from "../rig/rig.ts";

const NAME = "zoe.quux";
const SITES = `sites:
  - { id: store-1, name: First Store, time_zone: Europe/Berlin, contacts: [{ name: ${NAME}, role: manager, phone: "+49 30 1" }] }
`;

afterAll(cleanUp);

const cli = (collector: CollectorRig, ...args: string[]) =>
  runOnce("packages/cli/main.ts", args, { env: { AISLEWATCH_URL: collector.http, AISLEWATCH_TOKEN: collector.token } });
const filesWith = (folder: string, text: string): string[] =>
  readdirSync(folder).filter((file) => file.startsWith("state.") && readFileSync(join(folder, file)).includes(text));

it("erases by command, goes on without the name, and gives an auditor lines that vouch for each other", async () => {
  const collector = await startCollector({ sites: SITES });
  const data = join(collector.folder, "data");
  await collector.program.stop();
  const store = await openStore(data);
  const { id } = workedBy(store, NAME);
  mentionEverywhere(store, NAME);
  await store.close();
  await collector.restart();

  const trial = await cli(collector, "privacy", "erase", NAME, "--dry-run");
  expect(trial.code, trial.stderr).toBe(0);
  expect(trial.stdout).toMatch(/Nothing was changed[\s\S]*event +3[\s\S]*was there[\s\S]*sites\.yaml/);
  const held = JSON.parse((await cli(collector, "privacy", "export", NAME)).stdout);
  expect(held.recordCount).toBeGreaterThan(8);

  // The file that names them is for a person to edit; then the kept copy is another, too.
  writeFileSync(join(collector.folder, "sites.yaml"), SITES.replace(NAME, "the manager"));
  await expect.poll(async () => JSON.parse((await cli(collector, "privacy", "export", NAME)).stdout).files).toEqual([]);
  const done = await cli(collector, "privacy", "erase", NAME, "--in-text");
  expect(done.stdout).toMatch(/the name is erased-[a-z2-7]{12} now/);
  const pseudonym = /erased-[a-z2-7]{12}/.exec(done.stdout)?.[0] ?? "";
  expect(filesWith(data, NAME)).toEqual([]);

  // Written again from memory: by the name that it has now.
  await collector.api(`/incidents/${id}/actions`, { action: "note", text: "goes on" });
  const { incident } = await collector.api<{ incident: { assignee: string } }>(`/incidents/${id}`);
  expect(incident.assignee).toBe(pseudonym);
  expect(filesWith(data, NAME)).toEqual([]);

  const file = join(collector.folder, "audit.jsonl");
  const exported = await cli(collector, "audit", "export", "--from", "2023-01-01", "--out", file);
  expect(exported.code, exported.stderr).toBe(0);
  expect(exported.stdout).toMatch(/whole\. \d+ lines/);
  expect(readFileSync(file, "utf8")).not.toContain(NAME);
  const hash = /sha256 ([0-9a-f]{64})/.exec(exported.stdout)?.[1] ?? "?";
  expect((await cli(collector, "audit", "log", "--limit", "3")).stdout).toContain(hash);
  writeFileSync(file, readFileSync(file, "utf8").replace("acknowledged", "acknowledgeD"));
  const broken = await cli(collector, "audit", "verify", file);
  expect([broken.code, broken.stdout]).toEqual([
    1,
    expect.stringMatching(/broken\. Line \d+ or one before it was changed/),
  ]);

  await collector.program.kill();
  await collector.restart();
  expect(filesWith(data, NAME)).toEqual([]);
});
