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
};

export type NamedProcess = {
  readonly name: string;
  readonly instances: number;
  readonly memoryBytes: number;
  /** Of all cores together, as the system counts. */
  readonly cpuPercent: number;
  readonly cores: number;
};
