/** A ZPL label printer's part of the talk: commands in, `~HS`, `~HI`, `~HQES` and SGD replies out. */
import type { Dialogue } from "./byte-device.ts";
import type { LiveDevice } from "./live-device.ts";
import { acceptJob } from "./models/label-printer.ts";
import { isHeadOpen, isMediaOut, isRibbonOut, type LabelIdentity, type LabelState } from "./models/label-state.ts";
import { type ZplCommand, ZplReader } from "./zpl-reader.ts";
import { errorStatus, hostIdentification, hostStatus, variable } from "./zpl-status.ts";

export type ZplPrinter = {
  readonly identity: LabelIdentity;
  readonly device: LiveDevice<LabelState>;
  /**
   * Zebra's manual says that ~HS is not answered with media or ribbon out or the head open; a real ZT410 did answer.
   * False unless given.
   */
  readonly muteInError?: boolean;
};

export const zplDialogue = (printer: ZplPrinter) => (): Dialogue => {
  const reader = new ZplReader();
  return { take: (bytes) => reader.read(bytes).flatMap((command) => answer(printer, command)) };
};

const isInError = (state: LabelState): boolean => isMediaOut(state) || isRibbonOut(state) || isHeadOpen(state);

function answer({ identity, device, muteInError = false }: ZplPrinter, command: ZplCommand): string[] {
  switch (command.kind) {
    case "host-status":
      return muteInError && isInError(device.state()) ? [] : hostStatus(device.state());
    case "host-identification":
      return [hostIdentification(identity)];
    case "error-status":
      return [errorStatus(device.state())];
    case "variable":
      return [variable(identity, device.state(), command.name)];
    case "format":
      device.update((state) => acceptJob(state, command.labels));
      return [];
  }
}
