/**
 * A Linux guest with USB hardware that is none: gadgets on `dummy_hcd`, which the guest's own kernel enumerates like any
 * device (QEMU without acceleration: 5 to 10 s to boot on a small machine). The host's files are its root, read-only, so
 * that the guest runs this checkout's agent under this Node; bundled as it is installed, for it loads the sources in four
 * times as long. It is told what to do over a serial port of its own.
 */
import { readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleAgent } from "../../../deploy/bundle-agent.ts";
import { AGENT_NODE_FLAGS } from "../../../packages/cli/bin/agent-flags.mjs";
import { bootGuest, buildInitramfs, type Guest, guestMissing } from "../guest/guest.ts";
import { HOST_FILES, kernel } from "../guest/kernel.ts";
import { type CollectorRig, ROOT, tempFolder, waitFor } from "../rig.ts";

/** After those for the host's files. */
const MODULES = [
  "virtio_net",
  "dummy_hcd",
  "libcomposite",
  "usb_f_printer",
  "usb_f_hid",
  "usb_f_acm",
  "usb_f_fs",
  "hid-generic",
  "usbhid",
  "cdc-acm",
  "usblp",
  "nvme",
  "ata_piix",
  "sd_mod",
];
/** Of a disk of the guest: it is asked for its health, and nothing is on it. */
const DISK_BYTES = 16 * 1024 * 1024;
/** Five seconds as a rule. */
const BOOT_MS_MAX = 25_000;
/** Node reads some hundred files of the host there, and has no compiler but an emulated one. */
const START_MS_MAX = 45_000;
/** A command line once Node is up: a poll takes seconds at most. */
const LINE_MS_MAX = 10_000;

export type Vm = Guest & {
  /** Writes a file below /mnt, the only place that can be written to; there it is for programs of the host's root, too. */
  write(path: string, text: string): Promise<void>;
  /**
   * Starts a bundled program under this Node, in the host's root. `without` names capabilities that it does not get, as
   * setpriv writes them: `syslog`.
   */
  start(program: Bundled, args: readonly string[], without?: readonly string[]): Promise<GuestProgram>;
};

/** The agent, and several of its command lines in one process (command-lines.ts). */
type Bundled = "main" | "command-lines";

export type GuestProgram = {
  /** The end of what it said, and `ended with CODE` when it is over. */
  output(): Promise<string>;
};

/** True when a package is missing, and says so; under CI that is an error. */
export const vmMissing = (): boolean => guestMissing("USB in a guest", { smartctl: "smartmontools" });

/** Boots a guest with `ports` USB ports, each a bus of its own, an NVMe disk and an ATA one. */
export async function bootVm({ ports }: { readonly ports: number }): Promise<Vm> {
  const folder = tempFolder();
  const bundle = join(folder, "agent");
  // Packages with binaries of their own are found in the checkout's.
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const [guest] = await Promise.all([
    bootUsbGuest(folder, ports),
    bundleAgent(bundle, { "command-lines": "test/rig/usb-vm/command-lines.ts" }),
  ]);
  return vmOf(guest, bundle);
}

async function bootUsbGuest(folder: string, ports: number): Promise<Guest> {
  const { image, modules } = await kernel([...HOST_FILES, ...MODULES]);
  const initramfs = buildInitramfs(join(folder, "root"), {
    init: join(import.meta.dirname, "init.sh"),
    modules,
    files: { "modules/ports": String(ports) },
  });
  const disk = join(folder, "disk");
  writeFileSync(disk, "");
  truncateSync(disk, DISK_BYTES);
  const drive = (id: string): string => `id=${id},file=${disk},if=none,format=raw,snapshot=on`;
  return bootGuest({
    image,
    initramfs,
    megabytes: 768,
    shares: { host: "/" },
    devices: [
      ...["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net"],
      ...["-drive", drive("nvme"), "-device", "nvme,drive=nvme,serial=NV0001"],
      ...["-drive", drive("ata"), "-device", "ide-hd,drive=ata,serial=HD0001"],
    ],
    bootMsMax: BOOT_MS_MAX,
  });
}

/** What an agent that is no administrator may not: among others, read the kernel's log. */
const NOT_AN_ADMINISTRATOR = ["syslog", "sys_admin"];

/** An agent in the guest with these devices, as YAML below `devices:`; its collector is the host's. */
export async function startGuestAgent(
  vm: Vm,
  collector: CollectorRig,
  name: string,
  devices: string,
): Promise<GuestProgram> {
  const [site, id] = name.split("/");
  const password = await collector.addAgent(name);
  const { port } = new URL(collector.mqtt);
  await vm.write("/mnt/password", readFileSync(password, "utf8"));
  const head = `site: ${site}\nagent: ${id}\ncollector:\n  url: mqtt://localhost:${port}\n  password: file:/mnt/password\n`;
  await vm.write("/mnt/agent.yaml", `${head}data: /mnt/data\ndevices:\n${devices}`);
  await vm.run("chmod 600 /host/mnt/password");
  const agent = await vm.start(
    "main",
    ["run", "--config", "/mnt/agent.yaml", "--log-format", "text"],
    NOT_AN_ADMINISTRATOR,
  );
  const begun = async (): Promise<string | null> => {
    const said = await agent.output();
    return /program_started|ended with/.test(said) ? said : null;
  };
  const said = await waitFor("the agent in the guest", begun, START_MS_MAX);
  if (!said.includes("program_started")) throw new Error(`the agent in the guest did not start: ${said}`);
  return agent;
}

/** A command line of the agent that ran in the guest, words with blanks between. */
export type Ran = { readonly line: string; readonly code: number; readonly out: string; readonly error: string };

/** Several, one after another in one process. */
export async function runCommandLines(vm: Vm, lines: readonly string[]): Promise<readonly Ran[]> {
  await vm.write("/mnt/lines", `${lines.join("\n")}\n`);
  const program = await vm.start("command-lines", ["/mnt/lines", "/mnt/ran"]);
  const said = await waitFor(
    "the command lines in the guest",
    async () => {
      const output = await program.output();
      return /ended with \d+/.exec(output)?.[0] === undefined ? null : output;
    },
    START_MS_MAX + lines.length * LINE_MS_MAX,
  );
  if (!said.includes("ended with 0")) throw new Error(`the command lines in the guest: ${said}`);
  return JSON.parse(await vm.run("cat /host/mnt/ran")) as readonly Ran[];
}

function vmOf({ run, console, stop }: Guest, bundle: string): Vm {
  let programs = 0;
  const vm: Vm = {
    console,
    stop,
    run,
    async write(path, content) {
      // The guest's shell reads a line byte by byte: short ones are quick.
      await vm.run(`mkdir -p "$(dirname /host${path})" && : > /host${path}`);
      const encoded = Buffer.from(content).toString("base64");
      for (const part of encoded.match(/.{1,2000}/g) ?? []) await vm.run(`echo ${part} | base64 -d >> /host${path}`);
    },
    async start(program, args, without = []) {
      const log = `/host/mnt/program-${++programs}.log`;
      const drop =
        without.length === 0 ? [] : ["/usr/bin/setpriv", `--bounding-set=${without.map((one) => `-${one}`).join(",")}`];
      const node = [process.execPath, "--disable-warning=ExperimentalWarning", ...AGENT_NODE_FLAGS];
      const command = [...drop, ...node, join(bundle, `${program}.mjs`), ...args];
      const words = command.map((word) => `'${word}'`).join(" ");
      await vm.run(`cd /; { chroot /host ${words}; echo ended with $?; } > ${log} 2>&1 &`);
      return { output: () => vm.run(`tail -c 8000 ${log}`) };
    },
  };
  return vm;
}
