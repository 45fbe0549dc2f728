import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { cleanUp, onCleanUp, ROOT, waitFor } from "../rig/rig.ts";

afterAll(cleanUp);

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

const groupOf = (pid: number): string => execFileSync("ps", ["-o", "pgid=", "-p", String(pid)], { encoding: "utf8" });

async function heard(child: ChildProcess): Promise<unknown> {
  const [message] = await once(child, "message");
  return message;
}

it("programs outlive an interrupt of the whole group, as of Ctrl-C in a terminal, and end with who started them", async () => {
  const stdio = ["ignore", "ignore", "inherit", "ipc"] as const;
  const child = spawn(process.execPath, [join(ROOT, "test/chaos/interrupted.ts")], {
    stdio: [...stdio],
    detached: true,
  });
  const group = child.pid ?? 0;
  onCleanUp(() => void child.kill("SIGKILL"));
  const { pid } = (await heard(child)) as { pid: number };
  // A signal that is on its way kills later than we can look: the group says whom it goes to.
  expect(groupOf(pid)).not.toBe(groupOf(group));
  process.kill(-group, "SIGINT");
  expect(await heard(child)).toEqual({ interrupted: true });
  expect(isAlive(pid)).toBe(true);
  child.kill("SIGKILL");
  await waitFor("the program to end with its parent", () => !isAlive(pid));
});
