/** A ZPL label printer's part of the talk: commands in, `~HS`, `~HI`, `~HD`, `~HQ` and SGD replies out. */
import type { Dialogue } from "./byte-device.ts";
import type { LiveDevice } from "./live-device.ts";
import { acceptJob } from "./models/label-printer.ts";
import { isInError, type LabelIdentity, type LabelState } from "./models/label-state.ts";
import { type ZplCommand, ZplReader } from "./zpl-reader.ts";
import {
  errorStatus,
  headDiagnostics,
  hostIdentification,
  hostQueryReply,
  hostStatus,
  variable,
} from "./zpl-status.ts";

export type ZplPrinter = {
  readonly identity: LabelIdentity;
  readonly device: LiveDevice<LabelState>;
  /**
   * Zebra's manual says that ~HS is not answered with media or ribbon out or the head open; a real ZT410 did answer.
   * False unless given.
   */
  readonly muteInError?: boolean;
  /** A clone: knows `~HS`, `~HI` and `~HQES`, and prints what else it is sent as text. False unless given. */
  readonly isClone?: boolean;
};

export const zplDialogue = (printer: ZplPrinter) => (): Dialogue => {
  const reader = new ZplReader();
  return { take: (bytes) => reader.read(bytes).flatMap((command) => answer(printer, command)) };
};

function answer(printer: ZplPrinter, command: ZplCommand): string[] {
  const { identity, device, muteInError = false, isClone = false } = printer;
  switch (command.kind) {
    case "host-status":
      return muteInError && isInError(device.state()) ? [] : hostStatus(device.state());
    case "host-identification":
      return [hostIdentification(identity)];
    case "error-status":
      return [errorStatus(device.state())];
    case "host-query": {
      const reply = isClone ? null : hostQueryReply(identity, device.state(), command.query);
      return reply === null ? [] : [reply];
    }
    case "head-diagnostics":
      return isClone ? [] : [headDiagnostics(device.state())];
    case "variable":
      if (!isClone) return [variable(identity, device.state(), command.name)];
      device.update((state) => acceptJob(state, 1));
      return [];
    case "format":
      device.update((state) => acceptJob(state, command.labels));
      return [];
  }
}
