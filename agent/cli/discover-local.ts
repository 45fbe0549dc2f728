/**
 * From everything that was found to what is proposed beside the SNMP devices of the network: serial ports, USB devices and
 * print queues of this host, printers that answer IPP, and ports that are open. One printer may be several of these.
 */
import { type OpenPort, openPortsOf, writeOpenPort } from "../core/port-proposal.ts";
import type { Entry } from "../core/proposal.ts";
import {
  type KnownPrinter,
  type PrintQueue,
  proposeQueues,
  type QueueProposal,
  writeQueue,
} from "../core/queue-proposal.ts";
import { proposeSerial, type SerialPort, type SerialProposal, writeSerialDevice } from "../core/serial-proposal.ts";
import type { UsbDevice } from "../core/usb-device.ts";
import { proposeUsb, type UsbProposal, writeUsbDevice } from "../core/usb-proposal.ts";
import type { NetworkFound } from "./discover-network.ts";
import type { QueuesFound } from "./discover-queues.ts";
import type { SerialFound } from "./discover-serial.ts";
import { beside, PAYMENT, type UsbFound } from "./discover-usb.ts";

export type Found = {
  readonly network: NetworkFound;
  readonly serial: SerialFound;
  readonly usb: UsbFound;
  readonly queues: QueuesFound;
};

/** What is found on this host, or tells its state otherwise than by SNMP. */
export type Local = {
  readonly atPorts: readonly SerialProposal[];
  readonly attached: readonly UsbProposal[];
  readonly queues: readonly QueueProposal[];
  readonly open: readonly OpenPort[];
};

/** Of what was found, what is new. */
export type Fresh = {
  readonly ports: readonly SerialPort[];
  readonly usb: readonly UsbDevice[];
  readonly queues: readonly PrintQueue[];
};

/** `ids`: of devices of the network by address; `watched`: printers of the configuration. */
export function proposeLocal(
  found: Found,
  fresh: Fresh,
  {
    ids,
    taken,
    watched,
  }: { ids: ReadonlyMap<string, string>; taken: ReadonlySet<string>; watched: readonly KnownPrinter[] },
): Local {
  const { network, serial, usb } = found;
  const used = new Set([...taken, ...ids.values()]);
  const take = <One extends { readonly id: string }>(made: readonly One[]): readonly One[] => {
    for (const { id } of made) used.add(id);
    return made;
  };
  const atPorts = take(proposeSerial(fresh.ports, serial.answered, used));
  const attached = take(
    proposeUsb(beside(fresh.usb, serial.ports), {
      attached: usb.devices,
      evidence: usb.evidence,
      payment: PAYMENT,
      taken: used,
    }),
  );
  // What speaks SNMP is watched by that, and its queue of IPP is the same printer; a spooler's queues are others'.
  const spoken = new Set(network.found.map((one) => one.found.address));
  const unspoken = fresh.queues.filter(({ name, address }) => name !== null || !spoken.has(address ?? ""));
  const printers: KnownPrinter[] = [
    ...network.found.map(({ found: { address, kind } }) => ({ id: ids.get(address) ?? "", kind, address })),
    ...attached.flatMap(({ id, kind, device, isGuess }) => {
      const deviceId = usb.evidence.get(device.port)?.deviceId ?? null;
      return isGuess ? [] : [{ id, kind, usb: { device, deviceId } }];
    }),
    ...atPorts.flatMap(({ id, kind, port, isGuess }) => (isGuess ? [] : [{ id, kind, ports: port.names }])),
    ...watched,
  ];
  const queues = take(proposeQueues(unspoken, printers, used, network.ports));
  const answering = found.queues.queues.flatMap(({ address }) => (address === null ? [] : [address]));
  return { atPorts, attached, queues, open: openPortsOf(network.ports, new Set([...spoken, ...answering]), used) };
}

/** What stands below the devices of the network: what is known of open ports, serial ports, USB devices, and queues. */
export function entriesOf({ atPorts, attached, queues, open }: Local): readonly Entry[] {
  return [
    ...open.map((port) => ({ text: writeOpenPort(port), isComment: true })),
    ...atPorts.map((port) => ({ text: writeSerialDevice(port), isComment: port.isGuess })),
    ...attached.map((device) => ({ text: writeUsbDevice(device), isComment: device.isGuess })),
    ...queues.map((queue) => ({ text: writeQueue(queue), isComment: false })),
  ];
}

/** Of what was looked at only. */
export function shownLocal(
  { serial, usb, network, queues }: Found,
  { atPorts, attached, open, queues: printing }: Local,
): object {
  return {
    ...((serial.whole || serial.ports.length > 0) && {
      serial: atPorts.map(({ port, ...rest }) => ({ ...port, ...rest })),
    }),
    ...(usb.whole && { usb: attached.map(({ device, ...rest }) => ({ ...device, ...rest })) }),
    ...((queues.whole || queues.queues.length > 0) && {
      queues: printing.map(({ queue, ...rest }) => ({ ...queue, ...rest })),
    }),
    ...(network.ports.size > 0 && { open_ports: open }),
  };
}
