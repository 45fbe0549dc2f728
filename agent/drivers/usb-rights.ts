/**
 * Whether this user may open the file of a USB device, and the command that allows it: the same answer from whichever driver
 * is asked. usblp is opened for writing, to put questions; hidraw for reading only, so that is all that is granted.
 */
import { accessSync, constants } from "node:fs";
import { userInfo } from "node:os";
import type { NodeClass } from "../transport/usb-node.ts";

/** Opens nothing. */
export function mayOpen(path: string, nodeClass: NodeClass): boolean {
  try {
    accessSync(path, nodeClass === "usblp" ? constants.R_OK | constants.W_OK : constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** For root's shell. `vendorId`: four hex digits. */
export function grantOf(nodeClass: NodeClass, vendorId: string): string {
  const [user, file] = [userName(), `/etc/udev/rules.d/60-aislewatch-${vendorId}.rules`];
  if (nodeClass === "usblp") return `usermod -aG lp ${user}`;
  const rule = `KERNEL=="hidraw*", ATTRS{idVendor}=="${vendorId}", GROUP="${user}", MODE="0640"`;
  return `echo '${rule}' > ${file} && udevadm control --reload && udevadm trigger`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without a name, as in some containers.
    return String(process.getuid?.() ?? "aislewatch");
  }
}
