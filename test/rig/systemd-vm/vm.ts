/**
 * A second machine (second-machine.ts), really booted: its files are the root of a guest whose first program is Debian's
 * systemd. What the guest writes is the guest's; nothing of hardware is there, and no network but its loopback.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bootGuest, buildInitramfs, type Guest, guestMissing } from "../guest/guest.ts";
import { HOST_FILES, kernel } from "../guest/kernel.ts";
import { tempFolder } from "../rig.ts";
import { mayHaveSecondMachine, type SecondMachine } from "../second-machine.ts";

/** 11 s alone; ten times that with thirty other programs on two cores. */
const BOOT_MS_MAX = 120_000;
/** Two programs in Node, and what they write. */
const MEGABYTES = 2_048;

/** True when something is missing, and says so; under CI that is an error. */
export const systemdMissing = (): boolean => guestMissing("systemd in a guest") || !mayHaveSecondMachine;

/** Of its services those are enabled that were installed in it, and not what this machine has; none is started. */
export async function bootSystemd(machine: SecondMachine): Promise<Guest> {
  const { image, modules } = await kernel([...HOST_FILES, "overlay", "autofs4"]);
  const initramfs = buildInitramfs(join(tempFolder(), "root"), {
    init: join(import.meta.dirname, "init.sh"),
    modules,
    files: { "commands.sh": readFileSync(join(import.meta.dirname, "commands.sh"), "utf8") },
  });
  const { by, root } = machine.files;
  return bootGuest({
    image,
    initramfs,
    megabytes: MEGABYTES,
    shares: { host: root },
    append: "systemd.unit=guest.target systemd.log_color=0 systemd.show_status=0",
    by,
    bootMsMax: BOOT_MS_MAX,
  });
}
