/**
 * The drivers of what hangs on a host, against the programs that they talk to in a store: upsd of Network UPS Tools, which
 * replays recorded UPSs by its own dummy driver, and cupsd with a queue that is stopped while a job waits.
 */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Kind } from "@aislewatch/devices";
import { afterAll, describe, expect, it } from "vitest";
import type { AnyDriver } from "../../agent/drivers/driver.ts";
import ipp from "../../agent/drivers/ipp/index.ts";
import nut from "../../agent/drivers/nut/index.ts";
import { cupsMissing, startCups } from "../rig/cups.ts";
import { cleanUp, freePort, RECORDINGS, recordingsMissing, startPeer, tempFolder, waitFor } from "../rig/rig.ts";

afterAll(cleanUp);

const missing = (process.env["AISLEWATCH_MISSING_PACKAGES"] ?? "").split(",");
const POLL_MS = 5_000;

async function ask(driver: AnyDriver, kind: Kind, written: object) {
  const poller = driver.open({ id: "device", kind, config: driver.config.parse(written), secret: () => "" });
  const signal = AbortSignal.timeout(POLL_MS);
  const reply = await poller.poll({ signal, timeoutMs: POLL_MS, nowMs: Date.now() });
  const parsed = reply.ok ? poller.parse(JSON.parse(JSON.stringify(reply.value))) : reply;
  await poller.close();
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return { metrics: parsed.value.samples[0]?.metrics ?? {}, asset: parsed.value.asset };
}

describe.skipIf(recordingsMissing() || missing.includes("nut-server"))("upsd with recorded UPSs", () => {
  const files = readdirSync(join(RECORDINGS, "captures/ups-nut")).filter((name) => name.endsWith(".dev"));
  let port = 0;

  it("starts with a dummy driver for each", async () => {
    const folder = tempFolder();
    port = await freePort();
    const sections = files.map((name, n) => {
      const text = readFileSync(join(RECORDINGS, "captures/ups-nut", name), "utf8");
      // The dummy driver has what it needs in plain lines; it would take a comment of 20 KB for one, too.
      writeFileSync(join(folder, `${n}.dev`), text.replaceAll(/^#.*\n/gm, ""));
      return `[ups-${n}]\n  driver = dummy-ups\n  mode = dummy-once\n  port = ${join(folder, `${n}.dev`)}\n`;
    });
    writeFileSync(join(folder, "ups.conf"), sections.join(""), { mode: 0o600 });
    writeFileSync(join(folder, "upsd.conf"), `LISTEN 127.0.0.1 ${port}\n`, { mode: 0o600 });
    writeFileSync(join(folder, "upsd.users"), "", { mode: 0o600 });
    const env = { NUT_CONFPATH: folder, NUT_STATEPATH: folder, NUT_ALTPIDPATH: folder };
    // They give up root for another user, who may not read this folder.
    const user = process.getuid?.() === 0 ? ["-u", "root"] : [];
    for (const n of files.keys()) await startPeer("/lib/nut/dummy-ups", ["-a", `ups-${n}`, "-F", ...user], { env });
    const upsd = await startPeer("/lib/nut/upsd", ["-F", ...user], { env });
    await waitFor("upsd to have every UPS", () =>
      [...files.keys()].every((n) => upsd.output().includes(`dummy-ups-ups-${n}\n`)),
    );
  });

  it.each(files.map((name, n) => ({ name, n })))("$name", async ({ name, n }) => {
    const text = readFileSync(join(RECORDINGS, "captures/ups-nut", name), "utf8");
    const words = /^ups[.]status: (.*)$/m.exec(text)?.[1]?.split(" ") ?? [];
    const model = /^(?:device|ups)[.]model: (.*)$/m.exec(text)?.[1]?.trim();
    const written = { line: { tcp: `127.0.0.1:${port}` }, ups: `ups-${n}` };
    // Its driver hands a UPS over piece by piece.
    const seen = await waitFor("its variables", async () => {
      const some = await ask(nut, "ups", written);
      return some.asset?.model === model && "on_battery" in some.metrics ? some : null;
    });
    expect(seen.asset?.model).toBe(model);
    expect(seen.metrics).toMatchObject({
      on_battery: words.includes("OB"),
      battery_low: words.includes("LB"),
      battery_replace: words.includes("RB"),
      overload: words.includes("OVER"),
      output_off: words.includes("OFF"),
    });
  });

  it("says that there is no such UPS", async () => {
    await expect(ask(nut, "ups", { line: { tcp: `127.0.0.1:${port}` }, ups: "other" })).rejects.toThrow("UNKNOWN-UPS");
  });
});

describe.skipIf(cupsMissing())("a queue of cupsd", () => {
  it("is seen stopped, and its job waiting, over TCP and over the socket of CUPS", async () => {
    const folder = tempFolder();
    const port = await freePort();
    const socket = join(folder, "cups.sock");
    await startCups(folder, { listen: [socket, `127.0.0.1:${port}`], queues: [{ name: "receipts" }] });
    const uri = `ipp://127.0.0.1:${port}/printers/receipts`;
    const well = await waitFor("cupsd", () => ask(ipp, "receipt_printer", { queue: uri }));
    expect(well.metrics).toMatchObject({ queue_stopped: false, queued_jobs: 0, oldest_job_seconds: 0 });

    await tell(folder, uri, "Pause-Printer");
    await tell(folder, uri, "Print-Job");
    const stuck = await waitFor("an age of the job", async () => {
      const { metrics } = await ask(ipp, "receipt_printer", { queue: uri, socket });
      return Number(metrics["oldest_job_seconds"]) >= 1 ? metrics : null;
    });
    expect(stuck).toMatchObject({ queue_stopped: true, queued_jobs: 1, media_out: false });
  });

  it("is missed when there is none", async () => {
    const folder = tempFolder();
    const port = await freePort();
    await startCups(folder, { listen: [`127.0.0.1:${port}`], queues: [{ name: "receipts" }] });
    await waitFor("cupsd", () => ask(ipp, "receipt_printer", { queue: `ipp://127.0.0.1:${port}/printers/receipts` }));
    const other = ask(ipp, "receipt_printer", { queue: `ipp://127.0.0.1:${port}/printers/labels` });
    await expect(other).rejects.toThrow("no such queue");
  });
});

/** What an operator or a till does to the queue, by the tool of CUPS. */
async function tell(folder: string, uri: string, operation: "Pause-Printer" | "Print-Job"): Promise<void> {
  const document = join(folder, "receipt.txt");
  const test = join(folder, "operation.test");
  writeFileSync(document, "a receipt\n");
  const head = `OPERATION ${operation}\nGROUP operation-attributes-tag\nATTR charset attributes-charset utf-8\nATTR language attributes-natural-language en\nATTR uri printer-uri $uri\n`;
  const body =
    operation === "Print-Job" ? `ATTR mimeMediaType document-format application/vnd.cups-raw\nFILE ${document}\n` : "";
  writeFileSync(test, `{\n${head}${body}STATUS successful-ok\n}\n`);
  await promisify(execFile)("ipptool", [uri, test]);
}
