/**
 * The demo store as a process of its own: `main.ts --folder DIR [--scenario]`. Serves until SIGTERM or until the parent
 * is gone; tells a parent with an IPC channel when it is up (`{ ready: true, folder }`).
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { errorText } from "@aislewatch/base";
import {
  createLifecycle,
  createLog,
  EXIT,
  type Log,
  lockFolder,
  type Part,
  realClock,
  runProgram,
} from "@aislewatch/runtime";
import { type ControlServer, startControl } from "./control.ts";
import { demoCredentials, rememberedPorts, writeDemoFolder } from "./demo-folder.ts";
import { simulatorEvents } from "./events.ts";
import { playScenario, type Scenario } from "./scenario.ts";
import { type DemoStore, startDemoStore } from "./store.ts";

const USAGE = `usage: main.ts --folder DIR [--scenario] [--collector mqtt://HOST:PORT] [--password REFERENCE]
               [--data DIR] [--log json|text]

  --folder     where devices.json, agent.yaml and the control line go; ports and passwords are kept there
  --scenario   play the demo's timetable of faults
  --collector  the broker's address for agent.yaml (default mqtt://127.0.0.1:1883)
  --password   the agent's password for agent.yaml, as file:PATH or env:NAME
  --data       the agent's data folder for agent.yaml (default agent-data, beside agent.yaml)
`;

type Flags = {
  readonly folder: string;
  readonly scenario: boolean;
  readonly collector: string;
  readonly password: string | null;
  readonly data: string;
  readonly log: "json" | "text";
};

function readFlags(args: readonly string[]): Flags | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        folder: { type: "string" },
        scenario: { type: "boolean", default: false },
        collector: { type: "string", default: "mqtt://127.0.0.1:1883" },
        password: { type: "string" },
        data: { type: "string", default: "agent-data" },
        log: { type: "string", default: "text" },
      },
    });
    if (values.folder === undefined) return "--folder is missing";
    if (values.log !== "json" && values.log !== "text") return "--log: expected json or text";
    const { folder, password = null, log } = values;
    return { ...values, folder: resolve(folder), password, log };
  } catch (thrown) {
    return errorText(thrown);
  }
}

/** The store, its control line and its scenario, as parts of a program. */
function demoParts(flags: Flags, log: Log): Part[] {
  let store: DemoStore | null = null;
  let control: ControlServer | null = null;
  let scenario: Scenario | null = null;
  let lock: { release(): void } | null = null;
  return [
    {
      name: "folder",
      start() {
        mkdirSync(flags.folder, { recursive: true, mode: 0o700 });
        const locked = lockFolder(flags.folder);
        if (!locked.ok) throw new Error(locked.error.detail);
        lock = locked.value;
      },
      stop: () => lock?.release(),
    },
    {
      name: "devices",
      async start() {
        const started = await startDemoStore({
          clock: realClock,
          random: Math.random,
          credentials: demoCredentials(flags.folder),
          ports: rememberedPorts(flags.folder),
          // The driver usb reads Linux's sysfs; a path of Windows is none to it.
          usbFolder: process.platform === "win32" ? null : join(flags.folder, "sysfs"),
        });
        if (!started.ok) throw new Error(started.error.detail);
        store = started.value;
        writeDemoFolder(flags.folder, store, {
          collectorUrl: flags.collector,
          passwordRef: flags.password,
          dataDir: flags.data,
        });
        log.emit(simulatorEvents.demoFolderWritten, { folder: flags.folder, devices: store.devices.length });
      },
      stop: () => store?.stop(),
    },
    {
      name: "control",
      async start() {
        if (store === null) throw new Error("there is no store");
        const started = await startControl(flags.folder, store, (device) => {
          scenario?.handsOff(device);
          log.emit(simulatorEvents.demoDeviceTouched, { device });
        });
        if (!started.ok) throw new Error(started.error.message);
        control = started.value;
      },
      stop: () => control?.stop(),
    },
    {
      name: "scenario",
      start() {
        if (store === null || !flags.scenario) return;
        scenario = playScenario({
          clock: realClock,
          store,
          onPlayed: (act, result) => {
            const { device, fault } = act;
            if (result.ok) log.emit(simulatorEvents.demoActPlayed, { device, act: act.do, fault });
            else log.emit(simulatorEvents.demoActFailed, { device, detail: result.error.message });
          },
        });
      },
      stop: () => scenario?.stop(),
    },
  ];
}

const flags = readFlags(process.argv.slice(2));
if (typeof flags === "string") {
  process.stderr.write(`${flags}\n${USAGE}`);
  process.exitCode = EXIT.config;
} else {
  const log = createLog({ program: "simulator", level: "info", format: flags.log, clock: realClock });
  process.exitCode = await runProgram({
    lifecycle: createLifecycle(demoParts(flags, log), { clock: realClock, log }),
    log,
    version: "0.1.0",
    onStarted: () => process.send?.({ ready: true, folder: flags.folder }),
  });
  // The IPC channel would keep the process alive.
  if (process.connected) process.disconnect();
}
