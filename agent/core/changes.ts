/**
 * Which readings say something new: a boolean that turned, an event, a device that began or stopped to answer. When
 * the outbox is full these go last, and they are committed sooner. Remembers one text per device.
 */
import type { Reading } from "@aislewatch/contract";

export class StateChanges {
  readonly #last = new Map<string, string>();

  /** Is there an event or a changed state in this reading? A device's first reading counts as one. */
  see(reading: Reading): boolean {
    const state = stateOf(reading);
    const changed = this.#last.get(reading.device) !== state;
    this.#last.set(reading.device, state);
    return changed || reading.events !== undefined;
  }
}

function stateOf({ samples, failure }: Reading): string {
  const words = [failure?.kind ?? ""];
  for (const { component, metrics } of samples) {
    words.push(component ?? "");
    for (const name in metrics) if (typeof metrics[name] === "boolean") words.push(`${name}=${metrics[name]}`);
  }
  return words.join(" ");
}
