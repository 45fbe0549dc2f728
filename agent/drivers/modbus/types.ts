/** What a poll brings home: as plain JSON, so that a reply seen in the field is a test case. */

/** Function and data of a reply as hex, without unit and checksum; null when none came. */
export type Pdu = string | null;

/** Since the agent started, of this device. */
export type LineCounts = {
  readonly checksumErrors: number;
  readonly timeouts: number;
  readonly refusals: number;
};

export type ModbusReply =
  | {
      readonly kind: "asked";
      /** By the name of what was asked: `holding:109+2`, `device_id`, `server_id`. */
      readonly said: Readonly<Record<string, Pdu>>;
      readonly line: LineCounts;
    }
  | {
      /** Of a line where a PLC asks and we only listen: values by table and address on the wire. */
      readonly kind: "heard";
      readonly values: Readonly<Record<string, number>>;
      readonly line: LineCounts;
    };
