import { expect, it } from "vitest";
import type { Device, MetricValue } from "../api/types.ts";
import { formatDeviceFilters, matchesDevice, parseDeviceFilters } from "./device-filters.ts";
import { compareDevices, compareSites, toneOf } from "./health.ts";
import { chartable, groupValues, isBad, takeFamilies } from "./values.ts";

const value = (metric: string, change: Partial<MetricValue> = {}): MetricValue => ({
  metric,
  component: null,
  unit: "",
  meaning: "",
  type: "number",
  bad: null,
  value: 1,
  at: 0,
  stale: false,
  ...change,
});

it("puts the device's own values first, then components in natural order, what is bad on top", () => {
  const groups = groupValues([
    value("a", { component: "port-10" }),
    value("a", { component: "port-2" }),
    value("a"),
    value("media_out", { type: "boolean", value: true, bad: true }),
  ]);
  expect(groups.map((group) => group.component)).toEqual([null, "port-2", "port-10"]);
  expect(groups[0]?.values.map((each) => each.metric)).toEqual(["media_out", "a"]);
});

it("lays parts of one sort side by side when there are three, and leaves the others in the list", () => {
  const { single, families } = takeFamilies(
    groupValues([
      value("cpu_used_percent"),
      value("disk_used_percent", { component: "disk-c" }),
      value("disk_used_percent", { component: "disk-d" }),
      value("port_up", { component: "port-3" }),
      value("port_up", { component: "port-1" }),
      value("port_speed", { component: "port-1", meaning: "Negotiated speed" }),
      value("port_up", { component: "port-2" }),
    ]),
  );
  expect(single.map(({ component }) => component)).toEqual([null, "disk-c", "disk-d"]);
  expect(families.map(({ name, metrics }) => [name, metrics.map((metric) => metric.name)])).toEqual([
    ["port", ["port_speed", "port_up"]],
  ]);
  expect(families[0]?.members.map(({ component, values }) => [component, values.size])).toEqual([
    ["port-1", 2],
    ["port-2", 1],
    ["port-3", 1],
  ]);
});

it.each([
  { bad: true, value: true, is: true },
  { bad: true, value: false, is: false },
  { bad: false, value: false, is: true },
  { bad: null, value: true, is: false },
])("a boolean that is $value is bad: $is, when $bad is the bad one", ({ is, ...change }) => {
  expect(isBad(value("x", change))).toBe(is);
});

it("charts the numbers of one component that move", () => {
  const values = [
    value("disk_used_percent", { component: "disk-var" }),
    value("disk_total_bytes", { component: "disk-var" }),
    value("process_running", { component: "disk-var", type: "boolean" }),
    value("load_1m"),
  ];
  expect(chartable(values, "disk-var")).toEqual(["disk_used_percent"]);
  expect(chartable(values, null)).toEqual(["load_1m"]);
});

const device = (id: string, change: Partial<Device> = {}): Device => ({
  site: "s",
  id,
  name: id,
  kind: "ups",
  agent: "a",
  driver: "snmp",
  profile: null,
  address: null,
  labels: { zone: "office" },
  dependsOn: [],
  intervalMs: 10_000,
  asset: {},
  state: "up",
  worst: null,
  lastReadingAt: null,
  lastFailure: null,
  incidents: [],
  ...change,
});

it("lists what is down first, then the worst, then by natural name", () => {
  const devices = [
    device("lane-10"),
    device("lane-2"),
    device("z", { worst: "critical" }),
    device("y", { state: "down" }),
  ];
  expect(devices.sort(compareDevices).map(({ id }) => id)).toEqual(["y", "z", "lane-2", "lane-10"]);
});

it("reads device filters from the URL as it wrote them", () => {
  const filters = { state: "down", kind: "ups", label: "zone=office" } as const;
  expect(parseDeviceFilters(formatDeviceFilters(filters))).toEqual(filters);
  expect(parseDeviceFilters("state=x&label=zone")).toEqual({ state: null, kind: null, label: null });
  expect(matchesDevice(device("a", { state: "down" }), filters)).toBe(true);
  expect(matchesDevice(device("a", { state: "down", labels: {} }), filters)).toBe(false);
});

it("ranks and colours sites by their gravest open incidents", () => {
  const site = (name: string, incidents: Record<string, number>, down = 0) => ({
    id: name,
    name,
    timeZone: "UTC",
    format: "store" as const,
    contract: null,
    region: null,
    labels: {},
    open: true,
    devices: 3,
    up: 3 - down,
    down,
    unknown: 0,
    agents: [],
    incidents,
  });
  const sites = [site("calm", {}), site("low", { P4: 9 }), site("down", {}, 1), site("urgent", { P1: 1 })];
  expect(sites.map(toneOf)).toEqual(["good", "warn", "warn", "bad"]);
  expect(sites.sort(compareSites).map(({ name }) => name)).toEqual(["urgent", "low", "down", "calm"]);
});
