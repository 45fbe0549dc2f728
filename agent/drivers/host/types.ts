/** What a host says of itself, as plain numbers and names; null where the system does not tell. No command lines. */
export type HostReply = {
  readonly cpuUsedPercent: number | null;
  readonly load: { readonly oneMinute: number; readonly fiveMinutes: number } | null;
  readonly memory: {
    readonly totalBytes: number;
    readonly availableBytes: number;
    readonly swapTotalBytes: number;
    readonly swapUsedBytes: number;
  } | null;
  readonly uptimeSeconds: number;
  readonly disks: readonly Disk[] | null;
  readonly ports: readonly Port[] | null;
  readonly cpuTemperatureCelsius: number | null;
  readonly processCount: number | null;
  /** The processes that the configuration names. */
  readonly processes: readonly NamedProcess[] | null;
  readonly clockSynchronized: boolean | null;
  readonly identity: {
    readonly vendor: string;
    readonly model: string;
    readonly serial: string;
    readonly system: string;
  } | null;
  readonly battery: Battery | null;
  readonly health: Health | null;
  /** Disks as pieces of hardware, not as file systems. */
  readonly drives: readonly Drive[] | null;
  readonly leases: readonly Lease[] | null;
};

export type Disk = {
  readonly mount: string;
  /** Type of the file system, as the system calls it: ext4, NTFS. */
  readonly type: string;
  readonly sizeBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
  readonly inodes: number | null;
  readonly inodesFree: number | null;
};

export type Port = {
  readonly name: string;
  /** `up`, `down`, `unknown` and others (RFC 2863 operational states). */
  readonly state: string;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly receiveErrors: number;
  readonly sendErrors: number;
  readonly receiveDiscards: number;
  readonly sendDiscards: number;
  /** Null: this system counts none. */
  readonly linkLosses: number | null;
};

export type NamedProcess = {
  readonly name: string;
  readonly instances: number;
  readonly memoryBytes: number;
  /** Of all cores together, as the system counts. */
  readonly cpuPercent: number;
  readonly cores: number;
  /** Since the agent watches: an instance that went and one that came. */
  readonly restarts: number;
};

export type Battery = {
  readonly chargePercent: number;
  readonly isOnMains: boolean;
  readonly cycles: number | null;
  /** What it holds when full, of what it held when new. */
  readonly healthPercent: number | null;
};

/** What is read of the system's own files and services. */
export type Health = {
  readonly mounts: readonly Mount[] | null;
  /** Share of the last minute in which some, or all, programs waited for memory. */
  readonly memoryPressure: { readonly somePercent: number; readonly fullPercent: number } | null;
  readonly outOfMemoryKills: number | null;
  /** Clock minus that of the time server. */
  readonly timeOffsetSeconds: number | null;
  /** Whether the system before this one was shut down, or just ended. */
  readonly shutdownWasOrderly: boolean | null;
  readonly userCount: number | null;
  readonly rebootRequired: boolean | null;
  readonly throttledCount: number | null;
  readonly links: readonly Link[] | null;
  readonly radios: readonly Radio[] | null;
  readonly unitsFailed: number | null;
  /** The services that the configuration names. */
  readonly units: readonly Unit[] | null;
};

export type Mount = {
  readonly mount: string;
  readonly readOnly: boolean;
  /** As the table of file systems has it; null: it is not in there. */
  readonly meantReadOnly: boolean | null;
  /** Whether this agent has seen it writable. */
  readonly wasWritable: boolean;
  /** As ext4 counts them in the file system itself. */
  readonly errors: number | null;
};

export type Link = { readonly name: string; readonly megabitsPerSecond: number | null; readonly duplex: string | null };

export type Radio = { readonly name: string; readonly signalDbm: number };
/** An address that a DHCP server lends to a port. */
export type Lease = {
  readonly name: string;
  /** 0: it was not renewed in time, and the port has no address now. */
  readonly leftSeconds: number;
  /** For how long it is lent; null: not known yet. */
  readonly lifetimeSeconds: number | null;
};
export type Unit = { readonly name: string; readonly isActive: boolean; readonly restarts: number | null };

export type Drive = {
  readonly name: string;
  readonly isFailing: boolean | null;
  /** Used part of its rated life; may be above 100. */
  readonly wearPercent: number | null;
  readonly sparePercent: number | null;
  readonly reallocatedSectors: number | null;
  readonly pendingSectors: number | null;
  readonly uncorrectableSectors: number | null;
  readonly uncorrectableErrors: number | null;
  readonly timeouts: number | null;
  readonly cableErrors: number | null;
  readonly unsafeShutdowns: number | null;
  readonly poweredHours: number | null;
  readonly celsius: number | null;
};
