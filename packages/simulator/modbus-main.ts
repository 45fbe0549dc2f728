/**
 * A drive (unit 1) and a conveyor zone (unit 2) on one bus, to write a register map against:
 * `modbus-main.ts [--port 5020] [--framing tcp|rtu]`. A line on standard input does something to them:
 * `fault 2 jam`, `heal 2 jam`. Ends with Ctrl-C.
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { EXIT, realClock } from "@aislewatch/runtime";
import { startTcpDevice } from "./byte-device.ts";
import { bringToLife } from "./live-device.ts";
import { conveyorUnit, driveUnit, modbusDialogue } from "./modbus-device.ts";
import { conveyorZone } from "./models/conveyor-zone.ts";
import { drive } from "./models/drive.ts";

const { values } = parseArgs({
  options: { port: { type: "string", default: "5020" }, framing: { type: "string", default: "tcp" } },
});
const framing = values.framing === "rtu" ? "rtu" : "tcp";
const motor = bringToLife(drive(), realClock, Math.random);
const zone = bringToLife(conveyorZone(), realClock, Math.random);
const identity = { name: "demo drive", vendor: "Acme", model: "AC-1500", firmware: "2.04" };
const units = new Map([
  [1, driveUnit(motor, identity)],
  [2, conveyorUnit(zone)],
]);
const started = await startTcpDevice({
  address: "127.0.0.1",
  port: Number(values.port),
  connectionsMax: 4,
  dialogue: modbusDialogue({ units, framing, random: Math.random }),
  clock: realClock,
  random: Math.random,
});
if (!started.ok) {
  process.stderr.write(`${JSON.stringify(started.error)}\n`);
  process.exit(EXIT.crashed);
}
process.stdout.write(`units 1 (drive) and 2 (conveyor) on 127.0.0.1:${started.value.line}, ${framing} framing\n`);
createInterface({ input: process.stdin }).on("line", (line) => {
  const [verb, unit, name = ""] = line.trim().split(/\s+/);
  const device = unit === "1" ? motor : unit === "2" ? zone : null;
  const done = device !== null && (verb === "fault" ? device.fault(name) : verb === "heal" && device.heal(name));
  const faults = [motor, zone].map(({ faults: known }, i) => `${i + 1}: ${Object.keys(known).join(" ")}`).join("; ");
  process.stdout.write(done ? "done\n" : `expected fault|heal UNIT FAULT; ${faults}\n`);
});
