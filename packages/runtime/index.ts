export { realClock } from "./clock.ts";
export { type AnyLogEvent, defineEvent, type Fields, type FieldValues, type Level, type LogEvent } from "./events.ts";
export { type Finding, findingsExit, findingsJson, findingsText } from "./finding.ts";
export { type ChainCheck, type ChainFault, checkHashChain, createHashChain, type HashChain } from "./hash-chain.ts";
export {
  certificateFinding,
  type Disk,
  inspectEndpoint,
  inspectFolder,
  inspectProcess,
  inspectSecrets,
  sizeText,
  userName,
} from "./inspect.ts";
export { letterId } from "./letter-id.ts";
export { createLifecycle, type Lifecycle, type Part, type StartError } from "./lifecycle.ts";
export { lifecycleEvents } from "./lifecycle-events.ts";
export { type FolderLock, type LockError, lockFolder, lockOwner } from "./lock.ts";
export { createLog, type Log, type LogFormat, type LogOptions, silentLog } from "./log.ts";
export { EXIT, type ProcessHost, type RunOptions, runProgram } from "./program.ts";
export { alignedTable, oneLine } from "./table.ts";
