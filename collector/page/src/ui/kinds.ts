/** Kinds of devices as the page names them. A newer agent may send one that is not here: it is shown by its own name. */
import { sentence } from "./format.ts";

const TITLES = {
  pos_terminal: "POS terminal",
  receipt_printer: "Receipt printer",
  label_printer: "Label printer",
  office_printer: "Office printer",
  barcode_scanner: "Scanner",
  scale: "Scale",
  cash_drawer: "Cash drawer",
  payment_terminal: "Payment terminal",
  conveyor: "Conveyor",
  drive: "Drive",
  ups: "UPS",
  pdu: "PDU",
  network_switch: "Switch",
  router: "Router",
  access_point: "Access point",
  wireless_controller: "Wireless controller",
  device_server: "Device server",
  sensor: "Sensor",
  camera: "Camera",
  video_recorder: "Video recorder",
  host: "Host",
  agent: "Agent",
  collector: "Collector",
} as const;

export type KnownKind = keyof typeof TITLES;

export const isKnownKind = (kind: string): kind is KnownKind => Object.hasOwn(TITLES, kind);

export const KINDS = Object.keys(TITLES);

export const kindTitle = (kind: string): string => (isKnownKind(kind) ? TITLES[kind] : sentence(kind));
