import { isKnownKind, type KnownKind } from "./kinds.ts";

/** Line drawings on a 20 × 20 grid. Kinds that look alike in a store share one. */
const PRINTER = "M5 8V3h10v5M5 14H3V8h14v6h-2M6 12h8v5H6z";
const LABEL = "M3 6h14v8H3zM6 14v3h8v-3M6 9h3M12 9h2";
const RECEIPT = "M4 5h12v6H4zM6 11v6l2-1.5 2 1.5 2-1.5 2 1.5v-6M7 8h6";
const SCREEN = "M3 4h14v9H3zM7 17h6M10 13v4";
const SERVER = "M3 4h14v5H3zM3 11h14v5H3zM6 6.5h.01M6 13.5h.01";
const PATHS: Readonly<Record<KnownKind, string>> = {
  pos_terminal: "M4 3h12v8H4zM3 17h14l-1.5-4h-11zM10 11v2",
  receipt_printer: RECEIPT,
  label_printer: LABEL,
  office_printer: PRINTER,
  barcode_scanner: "M3 5v10M6 5v10M8.5 5v10M11 5v10M14 5v10M17 5v10",
  scale: "M3 7h14M5 7l1 10h8l1-10M10 13l2-3M6 4h8",
  cash_drawer: "M4 4h12v5H4zM2 9h16v7H2zM8 12.5h4",
  payment_terminal: "M5 2h10v16H5zM7.5 5h5v3h-5zM8 11h.01M10 11h.01M12 11h.01M8 14h.01M10 14h.01M12 14h.01",
  conveyor: "M3 11h14M5 15a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM15 15a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM7 4h6v5H7z",
  drive: "M10 5a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM10 8.5v3M8.5 10h3M10 2v3M10 15v3M2 10h3M15 10h3",
  ups: "M3 6h12v9H3zM15 9h2v3h-2M9.5 7.5 7 11h3l-1 3",
  pdu: "M2 7h16v6H2zM5 10h.01M8.3 10h.01M11.6 10h.01M15 10h.01",
  network_switch: "M2 7h16v6H2zM5 11V9.5h1.5V11M9 11V9.5h1.5V11M13 11V9.5h1.5V11",
  router: "M3 11h14v5H3zM6 13.5h.01M14 11V5M12 6.5 14 4l2 2.5",
  access_point: "M10 14v3M7 12a4 4 0 0 1 6 0M4.5 9.5a7.5 7.5 0 0 1 11 0M2.2 7a11 11 0 0 1 15.6 0",
  wireless_controller: "M3 11h14v6H3zM6 14h.01M7 8a4 4 0 0 1 6 0M4.8 5.5a7.3 7.3 0 0 1 10.4 0",
  device_server: SERVER,
  sensor: "M8 11V4a2 2 0 0 1 4 0v7a4 4 0 1 1-4 0zM10 8v6",
  camera: "M3 6h9v8H3zM12 9l5-2.5v7L12 11",
  video_recorder: "M2 6h16v8H2zM5 10a1 1 0 1 0 2 0 1 1 0 0 0-2 0M10 10h5",
  host: SCREEN,
  agent: "M10 3l6 2.5v4c0 4-2.5 6.3-6 7.5-3.5-1.2-6-3.5-6-7.5v-4zM7.5 9.5l2 2 3-3.5",
  collector: SERVER,
};

/** Decoration: the name of the kind stands beside it in words. */
export function KindIcon({ kind }: { kind: string | null }) {
  return (
    <svg className="kind-icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={pathOf(kind)} />
    </svg>
  );
}

const HOUSE = "M3 17V8l7-5 7 5v9zM8 17v-5h4v5";
const BOX = "M4 4h12v12H4z";

function pathOf(kind: string | null): string {
  if (kind === null) return HOUSE;
  return isKnownKind(kind) ? PATHS[kind] : BOX;
}
