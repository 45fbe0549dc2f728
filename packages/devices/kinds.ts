/** What a slot may be filled with (docs/metrics.md). `agent` and `collector` watch themselves. */
export const KINDS = [
  "pos_terminal",
  "receipt_printer",
  "label_printer",
  "office_printer",
  "barcode_scanner",
  "scale",
  "cash_drawer",
  "payment_terminal",
  "conveyor",
  "drive",
  "ups",
  "pdu",
  "network_switch",
  "router",
  "access_point",
  "wireless_controller",
  "device_server",
  "sensor",
  "camera",
  "video_recorder",
  "host",
  "agent",
  "collector",
] as const;
export type Kind = (typeof KINDS)[number];

export const isKind = (text: string): text is Kind => (KINDS as readonly string[]).includes(text);

/** From least to most. `info` opens no incident that pages. */
export const SEVERITIES = ["info", "minor", "major", "critical"] as const;
export type Severity = (typeof SEVERITIES)[number];

export const CATEGORIES = ["hardware", "consumable", "network", "power", "software", "environment", "process"] as const;
export type Category = (typeof CATEGORIES)[number];
