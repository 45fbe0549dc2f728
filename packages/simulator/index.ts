export { type AgentYamlOptions, agentYaml } from "./agent-yaml.ts";
export { type ByteDevice, type Dialogue, startSerialDevice, startTcpDevice } from "./byte-device.ts";
export { type Conduct, NORMAL, SILENT } from "./conduct.ts";
export {
  type ControlError,
  type ControlServer,
  type DemoListing,
  type DemoReply,
  type DemoRequest,
  demoControl,
  startControl,
} from "./control.ts";
export type { DemoCredentials, DemoDevice, DemoStoreOptions } from "./demo-devices.ts";
export type { DemoError } from "./demo-error.ts";
export { type DemoFile, demoCredentials, rememberedPorts, writeDemoFolder } from "./demo-folder.ts";
export { type DplPrinter, dplDialogue } from "./dpl-device.ts";
export { type EplPrinter, eplDialogue } from "./epl-device.ts";
export { type EscposPrinter, escposDialogue } from "./escpos-device.ts";
export { type Fleet, type FleetCounters, type FleetError, type FleetOptions, fleetMember, runFleet } from "./fleet.ts";
export { BatchWriter, type FleetBatch, FleetPlan, type FleetShape } from "./fleet-batch.ts";
export {
  IDLE_QUEUE,
  type IppQueue,
  type IppQueueOptions,
  type QueueJob,
  type QueueState,
  startIppQueue,
} from "./ipp-device.ts";
export { bringToLife, type LiveDevice } from "./live-device.ts";
export {
  conveyorRegisters,
  conveyorUnit,
  driveRegisters,
  driveUnit,
  type ModbusBus,
  type ModbusMood,
  type ModbusRegisters,
  type ModbusUnit,
  modbusDialogue,
} from "./modbus-device.ts";
export { type ConveyorState, conveyorZone } from "./models/conveyor-zone.ts";
export { type DriveIdentity, type DriveState, drive } from "./models/drive.ts";
export { labelPrinter } from "./models/label-printer.ts";
export type { LabelIdentity, LabelState } from "./models/label-state.ts";
export { networkSwitch } from "./models/network-switch.ts";
export { officePrinter } from "./models/office-printer.ts";
export { POS_PROCESS, posTerminal } from "./models/pos-terminal.ts";
export {
  type ReceiptFault,
  type ReceiptState,
  receiptPrinter,
} from "./models/receipt-printer.ts";
export { type ScaleFault, type ScaleState, scale } from "./models/scale.ts";
export { type ScannerFault, type ScannerState, scanner } from "./models/scanner.ts";
export { ups } from "./models/ups.ts";
export { type MibEntry, OidTree } from "./oid-tree.ts";
export { type Random, seededRandom } from "./random.ts";
export { type SbplPrinter, sbplDialogue } from "./sbpl-device.ts";
export {
  kernDialogue,
  nciDialogue,
  type Scale,
  type SicsIdentity,
  sicsDialogue,
  smaDialogue,
  toledoDialogue,
} from "./scale-device.ts";
export {
  datalogicDialogue,
  honeywellDialogue,
  type Scanner,
  type ScannerIdentity,
  ssiDialogue,
  ssiScan,
} from "./scanner-device.ts";
export { type Act, DEMO_TIMETABLE, playScenario, type Scenario } from "./scenario.ts";
export { type SnmpDevice, type SnmpDeviceOptions, type SnmpV3User, startSnmpDevice } from "./snmp-device.ts";
export { type StarPrinter, starDialogue } from "./star-device.ts";
export { type DemoStatus, type DemoStore, HEAL_ALL, startDemoStore } from "./store.ts";
export { DEMO_AGENT, DEMO_SITE } from "./store-plan.ts";
export { type TsplPrinter, tsplDialogue } from "./tspl-device.ts";
export { UsbTree, type UsbUnit, type UsbUnitInterface } from "./usb-tree.ts";
export { type ZplPrinter, zplDialogue } from "./zpl-device.ts";
