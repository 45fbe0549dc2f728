import { formatDiagnostics, parseYaml } from "@aislewatch/config";
import { describe, expect, it } from "vitest";
import driver from "./index.ts";

const check = (text: string): string => {
  const parsed = parseYaml({ file: "device.yaml", text }, driver.config);
  return parsed.ok ? "" : formatDiagnostics(parsed.diagnostics, new Map([["device.yaml", text]]));
};

describe("a device's keys for SNMP", () => {
  it.each([
    { written: "10.1.2.3", line: "udp:10.1.2.3:161", shown: "snmp://10.1.2.3:161" },
    { written: "printer-7:1161", line: "udp:printer-7:1161", shown: "snmp://printer-7:1161" },
    { written: "'[fd00::7]:161'", line: "udp:fd00::7:161", shown: "snmp://[fd00::7]:161" },
  ])("take the address $written", ({ written, line, shown }) => {
    const parsed = parseYaml({ file: "device.yaml", text: `address: ${written}\n` }, driver.config);
    if (!parsed.ok) throw new Error("refused");
    expect(driver.lineKey(parsed.value)).toBe(line);
    expect(driver.address(parsed.value)).toBe(shown);
    expect(parsed.value).toMatchObject({ version: "2c", request_timeout: 2_000, retries: 1, max_repetitions: 20 });
  });

  it("take an unquoted version and a user with both passwords", () => {
    const text = [
      "address: ups-1",
      "version: 3",
      "user:",
      "  name: noc",
      "  auth: { protocol: sha256, password: env:AUTH }",
      "  privacy: { protocol: aes, password: file:privacy }",
    ].join("\n");
    expect(check(text)).toBe("");
  });

  it.each([
    { name: "no address", text: "version: 2c\n" },
    { name: "a URL for an address", text: "address: snmp://10.1.2.3\n" },
    { name: "a port that is none", text: "address: 10.1.2.3:99999\n" },
    { name: "an unknown version", text: "address: a\nversion: 2\n" },
    { name: "version 3 without a user", text: "address: a\nversion: 3\n" },
    { name: "a user without version 3", text: "address: a\nuser: { name: noc }\n" },
    { name: "a literal community", text: "address: a\ncommunity: public\n" },
    {
      name: "an unknown protocol",
      text: "address: a\nversion: 3\nuser: { name: n, auth: { protocol: sha1, password: env:A } }\n",
    },
    {
      name: "privacy without auth",
      text: "address: a\nversion: 3\nuser: { name: n, privacy: { protocol: aes, password: env:A } }\n",
    },
    { name: "an unknown profile", text: "address: a\nprofile: zbera\n" },
    { name: "two misspelt keys", text: "address: a\nretires: 2\nmax_repetition: 5\n" },
  ])("are refused with their place: $name", ({ text }) => {
    expect(`${check(text)}\n`).toMatchSnapshot();
  });
});
