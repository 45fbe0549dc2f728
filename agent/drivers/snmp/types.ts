import type { SnmpReply } from "@aislewatch/devices";

/** What an SNMP device answered to a poll, and what the poller knew of it; all that `parse` needs, as plain JSON. */
export type SnmpDeviceReply = SnmpReply & {
  /** Name of the profile whose OIDs were asked for. */
  readonly profile: string;
  /** Of the poll before, to see a restart; null in the first. */
  readonly before: { readonly at: number; readonly uptimeTicks: number } | null;
  /** What 32-bit counters have to be added for the times that they wrapped while they were polled; none in recordings. */
  readonly carried?: Readonly<Record<string, number>>;
};

export const SYS_DESCR = "1.3.6.1.2.1.1.1.0";
export const SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0";
export const SYS_UPTIME = "1.3.6.1.2.1.1.3.0";
/** Asked for when sysUpTime went down, to tell a restart from a wrap: whole seconds of the engine, ticks of the host. */
export const ENGINE_TIME = "1.3.6.1.6.3.10.2.1.3.0";
export const HOST_UPTIME = "1.3.6.1.2.1.25.1.1.0";
