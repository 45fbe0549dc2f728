import { describe, expect, it } from "vitest";
import { loadBuiltinProfiles, matchProfile } from "./index.ts";

describe("a device without a profile of its own", () => {
  it.each([
    [
      "1.3.6.1.4.1.9.1.2134",
      "Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.2(7)E",
      "network_switch",
    ],
    ["1.3.6.1.4.1.9.1.1045", "Cisco IOS Software, C2900 Software (C2900-UNIVERSALK9-M), Version 15.4", "router"],
    ["1.3.6.1.4.1.14988.1", "RouterOS RB4011iGS+", "router"],
    ["1.3.6.1.4.1.14988.1", "RouterOS CRS328-24P-4S+", "network_switch"],
    ["1.3.6.1.4.1.8072.3.2.10", "Linux till-4 5.10.0 x86_64", "host"],
    ["1.3.6.1.4.1.8072.3.2.10", "USW-24-PoE, 6.2.14, Linux 3.6.5", "network_switch"],
    ["1.3.6.1.4.1.641.2.71106882", "Lexmark MS610dn version NR.APS.N447", "office_printer"],
    ["1.3.6.1.4.1.253.8.62.1.19.7.4.1", "Xerox WorkCentre 7120", "office_printer"],
    ["1.3.6.1.4.1.2435.2.3.9.1", "Brother NC-9100h, QL-820NWB", "label_printer"],
    ["1.3.6.1.4.1.1129.1.2.1.1.1", "TOSHIBA TEC B-EX4T1", "label_printer"],
    ["1.3.6.1.4.1.39165.1.1", "", "camera"],
    ["1.3.6.1.4.1.39165.1.1", "DS-7608NI NVR", "video_recorder"],
    ["1.3.6.1.4.1.25053.3.1.4.15", "Ruckus Wireless R510", "access_point"],
    ["1.3.6.1.4.1.29671.2.30", "Meraki MS220-8P Cloud Managed Switch", "network_switch"],
    ["1.3.6.1.4.1.29671.2.40", "Meraki MR52 Cloud Managed AP", "access_point"],
    ["1.3.6.1.4.1.28507.38", "Expert Power Control 8221-1", "pdu"],
    ["1.3.6.1.4.1.21796.4.1", "HWg-STE", "sensor"],
    ["1.3.6.1.4.1.8691.2.8", "NPort 5150", "device_server"],
    ["1.3.6.1.4.1.12356.101.1.1000", "", "router"],
    ["1.3.6.1.4.1.424242.1", "Smart UPS 3000", "ups"],
    ["1.3.6.1.4.1.424242.1", "", undefined],
  ])("%s %s is a %s", (sysObjectID, sysDescr, kind) => {
    const found = matchProfile(loadBuiltinProfiles(), { sysObjectID, sysDescr, present: new Set() });
    expect(found?.kind ?? undefined).toBe(kind);
  });
});
