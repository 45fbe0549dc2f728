/**
 * The Debian packages, really installed, used, upgraded, removed and purged: on a second machine made of this one, whose
 * disk forgets. It has no systemd that runs: the services' command lines are started as their users, and the units are
 * read by systemd-analyze.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildDebs, PRODUCTS } from "../rig/debs.ts";
import { cleanUp, tempFolder, waitFor } from "../rig/rig.ts";
import { mayHaveSecondMachine, SecondMachine, type Service } from "../rig/second-machine.ts";

const UNITS = PRODUCTS.map((product) => `/usr/lib/systemd/system/${product}.service`).join(" ");
const CONFIG = "--config /etc/aislewatch/collector.yaml";
/** Of systemd-analyze: 10 is a service without any bound, and most of Debian's have 9.6. */
const EXPOSURE_MAX = 3;
/** dpkg's and the user database's own books, and the shared libraries' index. */
const BOOKS =
  /^\/(var\/lib\/(dpkg|systemd\/deb-systemd-helper)|var\/(log|cache)\/(dpkg|apt|ldconfig|alternatives)|etc\/(passwd|group|shadow|gshadow|subuid|subgid)-?$|etc\/\.pwd\.lock|etc\/ld\.so\.cache)/;

describe.skipIf(!mayHaveSecondMachine)("Debian packages", () => {
  const debs = tempFolder();
  const services: Service[] = [];
  let machine: SecondMachine;

  const done = (line: string, env = {}): Promise<string> => machine.done(line, env);

  beforeAll(async () => {
    await buildDebs(debs, "0.1.0");
    await buildDebs(debs, "0.2.0");
    machine = await SecondMachine.start(debs);
  });
  afterAll(cleanUp);

  it("install without a question, with a user for each service", async () => {
    await done("dpkg --install /mnt/*_0.1.0.deb </dev/null");
    const groups = (await done("id --name --groups aislewatch-agent")).trim().split(" ");
    expect(groups.sort()).toEqual(["aislewatch-agent", "dialout", "lp", "plugdev"]);
    expect(await done("getent passwd aislewatch aislewatch-agent | cut -d: -f 6,7")).toBe(
      "/var/lib/aislewatch:/usr/sbin/nologin\n/var/lib/aislewatch-agent:/usr/sbin/nologin\n",
    );
  });

  it("bring units and udev rules in which systemd sees no mistake, and that are confined", async () => {
    expect(await machine.run(`systemd-analyze verify ${UNITS}`)).toEqual({ code: 0, stdout: "", stderr: "" });
    for (const product of PRODUCTS) {
      const said = await done(`systemd-analyze security --offline=yes --no-pager ${product}.service`);
      const [, exposure = "10"] = /exposure level for \S+: ([\d.]+)/.exec(said) ?? [];
      process.stdout.write(`${product}.service: exposure ${exposure}\n`);
      expect(Number(exposure)).toBeLessThan(EXPOSURE_MAX);
    }
  });

  it("have configurations without a mistake, which wait for nothing but the agent's password", async () => {
    expect(await done(`aislewatch collector --check ${CONFIG}`)).toMatch(/ rules, 1 sites: no mistakes found\n$/);
    const { code, stderr } = await machine.run("aislewatch-agent check --config /etc/aislewatch/agent.yaml");
    expect([code, stderr.match(/CFG_\w+/g)]).toEqual([2, ["CFG_SECRET_UNREADABLE"]]);
  });

  it("run as services of their users: the agent reaches the collector", async () => {
    services.push(await machine.startService("aislewatch.service"));
    const out = "/var/lib/aislewatch";
    const ours = (words: string) => done(`runuser --user aislewatch -- aislewatch ${words} ${CONFIG}`);
    await waitFor(
      "the collector",
      async () => (await machine.run("curl -sf http://127.0.0.1:8080/healthz")).code === 0,
    );
    await ours(`agents add my-store/this-pc --out ${out}/agent-password`);
    await ours(`tokens add cli --role admin --out ${out}/cli-token`);
    await done(`install -m 0640 -g aislewatch-agent ${out}/agent-password /etc/aislewatch/agent-password`);
    await done(`rm ${out}/agent-password`);
    expect((await machine.run("aislewatch-agent check --config /etc/aislewatch/agent.yaml")).code).toBe(0);
    services.push(await machine.startService("aislewatch-agent.service"));
    const env = {
      AISLEWATCH_URL: "http://127.0.0.1:8080",
      AISLEWATCH_TOKEN: (await done(`cat ${out}/cli-token`)).trim(),
    };
    await waitFor("the agent", async () => /my-store\/this-pc.*online/.test(await done("aislewatch agents list", env)));
    expect(await done("curl -s http://127.0.0.1:8080/")).toContain("<div id=");
  });

  it("keep what a person changed, and all data, over an upgrade and a removal", async () => {
    await done("echo '# ours' >> /etc/aislewatch/agent.yaml");
    await done("dpkg --install /mnt/*_0.2.0.deb </dev/null");
    expect(await done("dpkg-query --show aislewatch aislewatch-agent")).toBe(
      "aislewatch\t0.2.0\naislewatch-agent\t0.2.0\n",
    );
    expect(await done("tail -n 1 /etc/aislewatch/agent.yaml")).toBe("# ours\n");
    // As systemd would.
    for (const service of services.reverse()) expect(await service.stop()).toBe(0);
    await done("dpkg --remove aislewatch aislewatch-agent");
    const left = await done("ls /etc/aislewatch /var/lib/aislewatch/state.sqlite /var/lib/aislewatch-agent/outbox.db");
    for (const name of ["agent.yaml", "agent-password", "collector.yaml", "state.sqlite", "outbox.db"])
      expect(left).toContain(name);
    expect(await done("ls /usr/lib | grep aislewatch || true")).toBe("");
  });

  it("leave nothing behind when they are purged", async () => {
    await done("dpkg --purge aislewatch aislewatch-agent");
    expect((await machine.written()).filter((path) => !BOOKS.test(path) && !path.startsWith("/tmp/"))).toEqual([]);
    expect(await done("getent passwd | grep aislewatch || true")).toBe("");
  });
});
