import { octetsValue, type SnmpValue } from "@aislewatch/devices";
import { expect, it } from "vitest";
import { topologyOf } from "./topology.ts";

const text = (value: string): SnmpValue => octetsValue(new TextEncoder().encode(value));
const octets = (...value: number[]): SnmpValue => octetsValue(Uint8Array.from(value));
const number = (value: number): SnmpValue => ({ type: "integer", value });
const LLDP = "1.0.8802.1.1.2.1";
const MIB2 = "1.3.6.1.2.1";

it("reads neighbours, forwarding tables and ARP as switches have them", () => {
  expect(
    topologyOf({
      [`${LLDP}.3.7.1.3.5`]: octets(0, 0x1b, 0xa9, 0, 0, 5),
      [`${LLDP}.3.7.1.4.5`]: text("Port 5"),
      [`${LLDP}.4.1.1.5.0.5.1`]: octets(0, 0x1b, 0xa9, 0, 0, 1),
      [`${LLDP}.4.1.1.9.0.5.1`]: text("core"),
      [`${LLDP}.4.2.1.3.0.5.1.1.4.10.0.0.9`]: number(2),
      [`${LLDP}.4.1.1.9.0.6.2`]: text("no chassis"),
      [`${MIB2}.2.2.1.6.1`]: octets(0, 0x1b, 0xa9, 0, 0, 7),
      [`${MIB2}.2.2.1.6.2`]: octets(0, 0, 0, 0, 0, 0),
      [`${MIB2}.2.2.1.6.3`]: text(""),
      [`${MIB2}.2.2.1.2.107`]: text("GigabitEthernet7"),
      [`${MIB2}.4.22.1.2.1.10.0.0.8`]: octets(0, 0x1b, 0xa9, 0, 0, 8),
      [`${MIB2}.17.1.4.1.2.7`]: number(107),
      [`${MIB2}.17.4.3.1.2.0.27.169.0.0.8`]: number(7),
      [`${MIB2}.17.4.3.1.2.0.27.169.0.0.9`]: number(0),
      [`${MIB2}.17.7.1.2.2.1.2.1.0.27.169.0.0.8`]: number(7),
      [`${MIB2}.17.7.1.2.2.1.2.1.0.27.169.0.0.10`]: number(8),
    }),
  ).toEqual({
    macs: ["001ba9000007"],
    neighbours: [
      { port: "Port 5", mac: "001ba9000001", sysName: "core", address: "10.0.0.9" },
      { port: "6", mac: null, sysName: "no chassis", address: null },
    ],
    forwarding: [
      { port: "GigabitEthernet7", mac: "001ba9000008" },
      { port: "8", mac: "001ba900000a" },
    ],
    arp: [{ address: "10.0.0.8", mac: "001ba9000008" }],
  });
});
