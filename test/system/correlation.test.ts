/**
 * A switch that dies with all that hangs behind it, in a store with a real agent, a real collector and a webhook receiver:
 * people are called once, for the switch, and find the rest below it. When it is back they are called once more, for the
 * printer that stays dead, also when the collector is killed in between.
 */
import { afterAll, describe, expect, it } from "vitest";
import { zplWithPower } from "../rig/devices.ts";
import { cleanUp, runOnce, startAgent, startCollector, waitFor } from "../rig/rig.ts";
import { startWebhookReceiver } from "../rig/webhook-receiver.ts";

/**
 * As the shipped packs say it, at the pace of a test; a switch is known to be down seconds before what hangs behind it. Two
 * seconds, for a machine that stands still makes polls of 250 ms fail, and the switch would go down again.
 */
const RULES = `group: test
select: kind in ["network_switch", "label_printer"]
rules:
  - { id: network-no-answer, title: "{{device}} does not answer", select: 'kind == "network_switch"', when: "!up && streak(up) >= 2", for: 2s, severity: critical, category: network }
  - { id: no-answer, title: "No answer from {{device}}", select: 'kind == "label_printer"', when: "!up && streak(up) >= 2", for: 6s, severity: major, category: network }
`;
const PRINTERS = ["printer-1", "printer-2", "printer-3", "printer-4"];

type Incident = {
  readonly id: string;
  readonly subject: { readonly device: string };
  readonly state: string;
  readonly recoveredAt: number | null;
  readonly parent: string | null;
};
type Detail = {
  readonly children: {
    readonly total: number;
    readonly standing: number;
    readonly items: readonly (Incident & { readonly parentWhy: string })[];
  };
};

describe("a switch that dies with what hangs behind it", () => {
  afterAll(cleanUp);

  it("calls people once, lists the rest below, and calls once more for what stays dead", async () => {
    const receiver = await startWebhookReceiver();
    const dead = await zplWithPower();
    const lines = await Promise.all(PRINTERS.map(() => zplWithPower()));
    const collector = await startCollector({
      rules: RULES,
      lifecycle: "correlation: { settle: 3s }\n",
      notifications: `channels:
  - name: noc
    webhook: { url: "http://127.0.0.1:${receiver.port}/hook", secret: "file:webhook-secret", private: true }
routes:
  - { on: [opened, reopened, recovered, resolved], to: noc }
`,
    });
    await startAgent(
      collector,
      "store-1/pc",
      [
        `  - { id: switch, kind: network_switch, driver: zpl, every: 250ms, line: { tcp: "127.0.0.1:${dead.port}" } }\n`,
        ...lines.map(
          ({ port }, n) =>
            `  - { id: ${PRINTERS[n]}, kind: label_printer, driver: zpl, every: 500ms, line: { tcp: "127.0.0.1:${port}" }, depends_on: [switch] }\n`,
        ),
      ].join(""),
    );
    const devices = () => collector.api<{ id: string; state: string }[]>("/sites/store-1/devices");
    await waitFor("all to be up", async () =>
      (await devices()).filter(({ id }) => !id.startsWith("agent/")).every(({ state }) => state === "up"),
    );
    const incidents = async (): Promise<readonly Incident[]> =>
      (await collector.api<{ items: Incident[] }>("/incidents?state=all")).items;
    const of = async (device: string): Promise<Incident | undefined> =>
      (await incidents()).find(({ subject }) => subject.device === device);

    // The switch first, by less than a poll: it is the one that they hang on.
    await dead.off();
    for (const line of lines) await line.off();
    const parent = await waitFor("all of them to hang below the switch", async () => {
      const top = await of("switch");
      const all = await incidents();
      return all.filter(({ parent: above }) => top !== undefined && above === top.id).length === PRINTERS.length && top;
    });
    if (parent === undefined || parent === false) throw new Error("no incident of the switch");
    await waitFor("people to be told", () => receiver.told().length > 0);
    expect(receiver.told()).toEqual(["opened: switch does not answer"]);
    const { children } = await collector.api<Detail>(`/incidents/${parent.id}`);
    expect(children).toMatchObject({ total: PRINTERS.length, standing: PRINTERS.length });
    expect(new Set(children.items.map(({ parentWhy }) => parentWhy))).toEqual(
      new Set(["it depends on switch, which is down"]),
    );

    // Killed with all of it open: the tree is what it was.
    await collector.program.kill();
    await collector.restart();
    expect((await collector.api<Detail>(`/incidents/${parent.id}`)).children.total).toBe(PRINTERS.length);

    // All but one of them are well again, and then the switch is back.
    for (const line of lines.slice(1)) await line.on();
    await waitFor("the others to have recovered below it", async () => {
      const { children: left } = await collector.api<Detail>(`/incidents/${parent.id}`);
      return left.standing === 1;
    });
    await dead.on();
    await waitFor("the one that stays dead to stand for itself", async () => {
      const one = await of("printer-1");
      return one?.parent === null && one.recoveredAt === null;
    });
    await waitFor("people to be told of it", () => receiver.told().includes("opened: No answer from printer-1"));
    const { children: left } = await collector.api<Detail>(`/incidents/${parent.id}`);
    expect(left).toMatchObject({ total: PRINTERS.length - 1, standing: 0 });
    expect(receiver.told()).toEqual([
      "opened: switch does not answer",
      "recovered: switch does not answer",
      "opened: No answer from printer-1",
    ]);

    // And what a person sees of it in a terminal.
    const asked = ["--url", collector.http];
    const env = { AISLEWATCH_TOKEN: collector.token };
    const list = await runOnce("packages/cli/main.ts", ["incidents", "list", "--state", "all", ...asked], { env });
    expect(list.stdout).toMatch(new RegExp(`${parent.id} [^]*└ INC-`));
    const folded = await runOnce("packages/cli/main.ts", ["incidents", "list", "--state", "all", "--fold", ...asked], {
      env,
    });
    expect(folded.stdout).not.toContain("└");
    const shown = await runOnce("packages/cli/main.ts", ["incidents", "show", parent.id, ...asked], { env });
    expect(shown.stdout).toContain("3 incidents, 0 of them stand");
    expect(shown.stdout).toContain("it depends on switch, which is down");
  });
});
