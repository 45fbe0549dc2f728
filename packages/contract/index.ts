export {
  COMPONENT_PATTERN,
  DEVICE_ID_PATTERN,
  ID_PATTERN,
  isDeviceId,
  isId,
  joinSubject,
  splitSubject,
} from "./ids.ts";
export { LIMITS } from "./limits.ts";
export {
  type Ack,
  type AgentStatus,
  type Asset,
  ackSchema,
  type DecodeError,
  decodeAck,
  decodeInventory,
  decodeStatus,
  type Inventory,
  type InventoryDevice,
  inventorySchema,
  splitInventory,
  statusSchema,
  WIRE_VERSION,
} from "./messages.ts";
export {
  type DeviceEvent,
  type Dropped,
  decodeTelemetry,
  encodeTelemetry,
  type Lane,
  type PollFailure,
  type PollFailureKind,
  type Reading,
  rowsOf,
  type SampleSet,
  sampleCount,
  type Table,
  type Telemetry,
  telemetrySchema,
  type Value,
} from "./telemetry.ts";
export { type AgentChannel, ackTopic, agentPrefix, agentTopic, type ParsedTopic, parseTopic } from "./topics.ts";
