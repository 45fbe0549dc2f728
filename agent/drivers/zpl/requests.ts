/**
 * What a ZPL printer is asked. Each is a control command (`~`) that the printer obeys at once, inside a format as well,
 * and that changes nothing; commands that print (`^HH`, `~WC`) or test (`~JT`) are not among them.
 *
 * SGD variables are no control commands: only a printer that calls itself by a Zebra firmware which knows them is asked
 * (parse.ts, knowsVariables), and none when `variables: never` is set.
 */
import type { Request } from "../request.ts";
import { isWholeErrorStatus } from "./error-status.ts";
import { isWholeStatus, withoutPassword } from "./host-status.ts";
import { isWholeIdentification, knowsVariables } from "./parse.ts";
import {
  isWholeDiagnostics,
  isWholeHeadLife,
  isWholeHeadTest,
  isWholeMaintenance,
  isWholeOdometer,
  isWholeSerialNumber,
  isWholeVariable,
} from "./wear.ts";

const EVERY: readonly Request[] = [
  {
    name: "hostStatus",
    role: "state",
    bytes: "~HS",
    asks: "host status, three strings (ZPL II Programming Guide, ~HS)",
    isWhole: isWholeStatus,
    keep: withoutPassword,
    // Two strings hold all that matters: parse decides whether a part is enough.
    endsInSilence: true,
    // The guide has it mute with media or ribbon out and with the head open or hot.
    keepAsking: true,
  },
  {
    name: "errorStatus",
    role: "state",
    bytes: "~HQES",
    asks: "errors and warnings (ZPL II Programming Guide, ~HQ)",
    isWhole: isWholeErrorStatus,
    // A host status that came late.
    keep: withoutPassword,
  },
  {
    name: "hostIdentification",
    role: "identity",
    bytes: "~HI",
    asks: "model and firmware (ZPL II Programming Guide, ~HI)",
    isWhole: isWholeIdentification,
  },
];

const zebraOnly = (request: Omit<Request, "onlyIf">): Request => ({ ...request, onlyIf: knowsVariables });

const OF_ZEBRA: readonly Request[] = [
  zebraOnly({
    name: "serialNumber",
    role: "identity",
    bytes: "~HQSN",
    asks: "serial number (~HQ)",
    isWhole: isWholeSerialNumber,
  }),
  zebraOnly({ name: "odometer", role: "wear", bytes: "~HQOD", asks: "odometer (~HQ)", isWhole: isWholeOdometer }),
  zebraOnly({
    name: "headLife",
    role: "wear",
    bytes: "~HQPH",
    asks: "print-head life history (~HQ)",
    isWhole: isWholeHeadLife,
  }),
  zebraOnly({
    name: "maintenance",
    role: "wear",
    bytes: "~HQMA",
    asks: "maintenance intervals (~HQ)",
    isWhole: isWholeMaintenance,
  }),
  zebraOnly({
    name: "headTest",
    role: "wear",
    bytes: "~HQJT",
    asks: "result of the last head test (~HQ); starts none",
    isWhole: isWholeHeadTest,
  }),
  zebraOnly({
    name: "diagnostics",
    role: "state",
    bytes: "~HD",
    asks: "head temperature (ZPL II Programming Guide, ~HD)",
    isWhole: isWholeDiagnostics,
  }),
];

/** `unless`: not asked of a printer that has answered this question, which tells the same. */
const variable = (
  name: string,
  sgd: string,
  { role = "wear", unless }: { role?: Request["role"]; unless?: string } = {},
): Request => ({
  name,
  role,
  bytes: `! U1 getvar "${sgd}"\r\n`,
  asks: `SGD ${sgd} (Link-OS Programming Guide)`,
  isWhole: isWholeVariable,
  anonymous: true,
  onlyIf: (heard) => knowsVariables(heard) && (unless === undefined || typeof heard[unless] !== "string"),
});

const VARIABLES: readonly Request[] = [
  variable("uniqueId", "device.unique_id", { role: "identity", unless: "serialNumber" }),
  variable("labelCount", "odometer.total_label_count"),
  variable("uptime", "device.uptime", { role: "state" }),
  variable("batteryPercent", "power.percent_full"),
  variable("totalLength", "odometer.total_print_length", { unless: "odometer" }),
  variable("headNew", "odometer.headnew", { unless: "headLife" }),
  variable("headClean", "odometer.headclean", { unless: "headLife" }),
];

export const requestsFor = ({ variables }: { readonly variables: "auto" | "never" }): readonly Request[] =>
  variables === "never" ? EVERY : [...EVERY, ...OF_ZEBRA, ...VARIABLES];
