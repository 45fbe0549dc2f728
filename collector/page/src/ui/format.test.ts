import { expect, it } from "vitest";
import { actorName, age, exactAge, measure, metricTitle, plural, sentence, timeText } from "./format.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

it.each([
  { ms: -5_000, short: "0 s", exact: "0 s" },
  { ms: 999, short: "0 s", exact: "0 s" },
  { ms: 59.9 * SECOND, short: "59 s", exact: "59 s" },
  { ms: MINUTE, short: "1 min", exact: "1 min 00 s" },
  { ms: 2 * MINUTE + 10 * SECOND, short: "2 min", exact: "2 min 10 s" },
  { ms: HOUR - 1, short: "59 min", exact: "59 min 59 s" },
  { ms: 2 * HOUR + 5 * MINUTE, short: "2 h 05 min", exact: "2 h 05 min" },
  { ms: DAY, short: "1 d", exact: "1 d" },
  { ms: 3 * DAY + 4 * HOUR, short: "3 d 4 h", exact: "3 d 4 h" },
  { ms: 45 * DAY + 4 * HOUR, short: "45 d", exact: "45 d" },
])("writes an age of $ms ms as $short and exactly as $exact", ({ ms, short, exact }) => {
  expect(age(ms)).toBe(short);
  expect(exactAge(ms)).toBe(exact);
});

it.each([
  { value: true, unit: "", text: "yes" },
  { value: false, unit: "", text: "no" },
  { value: 4.236, unit: "%", text: "4.24 %" },
  { value: 0.0082, unit: "kg", text: "0.0082 kg" },
  { value: 41.53, unit: "°C", text: "41.5 °C" },
  { value: 1_284_733, unit: "", text: "1,284,733" },
  { value: 8_589_934_592, unit: "B", text: "8 GiB" },
  { value: 512, unit: "B", text: "512 B" },
  { value: 1_000_000_000, unit: "bit/s", text: "1 Gbit/s" },
  { value: 0.0423, unit: "s", text: "42.3 ms" },
  { value: 1080, unit: "s", text: "18 min 00 s" },
  { value: -130, unit: "s", text: "−2 min 10 s" },
  { value: Number.NaN, unit: "%", text: "–" },
])("writes $value $unit as $text", ({ value, unit, text }) => expect(measure(value, unit)).toBe(text));

it.each([
  { metric: "media_remaining_percent", title: "Media remaining" },
  { metric: "cpu_used_percent", title: "CPU used" },
  { metric: "port_received_bytes_total", title: "Port received" },
  { metric: "up", title: "Up" },
  { metric: "motor_current_amperes", title: "Motor current" },
  { metric: "dc_bus_volts", title: "DC bus" },
  { metric: "operating_hours_total", title: "Operating hours" },
])("calls $metric $title", ({ metric, title }) => expect(metricTitle(metric)).toBe(title));

it("calls people, programs and itself by name", () => {
  expect(["user:anna", "token:nagios", "system", "ben"].map(actorName)).toEqual([
    "anna",
    "nagios",
    "Aislewatch",
    "ben",
  ]);
});

it("counts in words", () => {
  expect([plural(0, "site"), plural(1, "site"), plural(1234, "site")]).toEqual(["0 sites", "1 site", "1,234 sites"]);
  expect(sentence("ups_runtime")).toBe("UPS runtime");
});

it("writes a time of a site in the site's zone, and with the date once it is another day there", () => {
  const at = Date.UTC(2026, 0, 5, 3, 30);
  const sameDay = timeText(at, at + HOUR, "America/New_York");
  expect(sameDay).toContain("22:30:00");
  expect(sameDay).not.toMatch(/\b4\b/);
  expect(timeText(at, at + 3 * HOUR, "America/New_York")).toMatch(/\b4\b/);
});
