/** A system of files of its own: what the kernel shows of serial ports, their USB devices and the programs that use them. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export type SystemFiles = {
  readonly root: string;
  write(path: string, text: string): void;
  link(path: string, target: string): void;
  /** A USB device with a tty, at a place such as `1-2.4`; its strings as sysfs has them, those that are there. */
  plug(tty: string, place: string, strings: Readonly<Record<string, string>>): void;
};

export function makeSystemFiles(onEnd: (end: () => void) => void): SystemFiles {
  const root = mkdtempSync(join(tmpdir(), "aislewatch-system-"));
  onEnd(() => rmSync(root, { recursive: true, force: true }));
  const placeFor = (path: string): string => {
    const whole = join(root, path);
    mkdirSync(dirname(whole), { recursive: true });
    return whole;
  };
  const write = (path: string, text: string): void => writeFileSync(placeFor(path), text);
  const link = (path: string, target: string): void => symlinkSync(target, placeFor(path));
  return {
    root,
    write,
    link,
    plug(tty, place, strings) {
      for (const [file, text] of Object.entries(strings)) write(`sys/devices/usb1/${place}/${file}`, `${text}\n`);
      write(`sys/devices/usb1/${place}/${place}:1.0/${tty}/port_number`, "0\n");
      write(`sys/class/tty/${tty}/dev`, "188:0\n");
      link(`sys/class/tty/${tty}/device`, `../../../devices/usb1/${place}/${place}:1.0/${tty}`);
      write(`dev/${tty}`, "");
    },
  };
}
