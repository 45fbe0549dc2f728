import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  dhclientLifetimes,
  networkdLifetime,
  type PortAddress,
  parseAddresses,
  parseIwLink,
  parseNetshWlan,
  parseWindowsAddresses,
  parseWireless,
  stepLeases,
} from "./network-text.ts";
import type { Lease } from "./types.ts";

describe("a radio link", () => {
  const HEAD = `Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
`;
  it.each([
    {
      name: "that is new",
      line: " wlan0: 0000   58.  -52.  -256        0      0      0      0     15        0",
      want: [-52],
    },
    { name: "that is old", line: "wlp2s0: 0000   40   -71  -256    0    0    0    0    0    0", want: [-71] },
    { name: "of a port that hangs on nothing", line: " wlan0: 0000    0     0     0  0 0 0 0 0 0", want: [] },
    { name: "that a driver does not know", line: " wlan0: 0000    5.  -256.  -256  0 0 0 0 0 0", want: [] },
  ])("$name", ({ line, want }) => {
    expect(parseWireless(`${HEAD}${line}\n`).map(({ signalDbm }) => signalDbm)).toEqual(want);
  });

  it("is read from iw, which knows whether there is one", () => {
    const text = "Connected to 02:00:00:00:01:00 (on wlan0)\n\tSSID: shop\n\tfreq: 2412\n\tsignal: -67 dBm\n";
    expect(parseIwLink(text, "wlan0")).toEqual([{ name: "wlan0", signalDbm: -67 }]);
    expect(parseIwLink("Not connected.\n", "wlan0")).toEqual([]);
  });

  it("is read from a Windows of any language, in half decibels", () => {
    const english = `
There are 2 interfaces on the system:

    Name                   : Wi-Fi
    Description            : Some Wireless-AC 8265
    State                  : connected
    Signal                 : 86%
    Profile                : shop

    Name                   : Wi-Fi 2
    State                  : disconnected
`;
    const german = `
Es ist 1 Schnittstelle auf dem System vorhanden:

    Name                   : WLAN
    Beschreibung           : Some Wireless-AC 8265
    Status                 : Verbunden
    Signal                 : 40 %
    Profil                 : laden
`;
    expect(parseNetshWlan(english.replaceAll("\n", "\r\n"))).toEqual([{ name: "Wi-Fi", signalDbm: -57 }]);
    expect(parseNetshWlan(german)).toEqual([{ name: "WLAN", signalDbm: -80 }]);
  });
});

describe("an address", () => {
  const address = (more: object) => ({ family: "inet", scope: "global", valid_life_time: 4_294_967_295, ...more });
  const port = (operstate: string, ...addresses: object[]): string =>
    JSON.stringify([{ ifname: "eth0", operstate, addr_info: addresses }]);
  const lent = { dynamic: true, valid_life_time: 3_600 };

  it.each([
    {
      name: "that is lent",
      text: port("UP", address(lent)),
      want: { hasLink: true, leftSeconds: 3_600, hasOwn: false },
    },
    { name: "of its own", text: port("UP", address({})), want: { hasLink: true, leftSeconds: null, hasOwn: true } },
    {
      name: "that is lent for ever",
      text: port("UP", address({ dynamic: true })),
      want: { hasLink: true, leftSeconds: null, hasOwn: false },
    },
    {
      name: "of a port that gave itself one for want of any",
      text: port("UP", address({ scope: "link" })),
      want: { hasLink: true, leftSeconds: null, hasOwn: false },
    },
    {
      name: "of a port without a link",
      text: port("DOWN"),
      want: { hasLink: false, leftSeconds: null, hasOwn: false },
    },
  ])("$name", ({ text, want }) => expect(parseAddresses(text)).toEqual([{ name: "eth0", ...want }]));

  it.each([
    { name: "one port", text: '{"name":"Ethernet","left":86012.5}', want: [["Ethernet", 86_012]] },
    {
      name: "two ports",
      text: '[{"name":"Ethernet 2","left":600},{"name":"WLAN","left":4294967295}]',
      want: [["Ethernet 2", 600]],
    },
    { name: "nothing", text: "", want: [] },
  ])("of a Windows with $name", ({ text, want }) => {
    expect(parseWindowsAddresses(text).map(({ name, leftSeconds }) => [name, leftSeconds])).toEqual(want);
  });
});

describe("for how long an address is lent", () => {
  it("is in the file of systemd-networkd", () => {
    expect(
      networkdLifetime("# This is private data. Do not parse.\nADDRESS=10.42.0.17\nLIFETIME=43200\nT1=21600\n"),
    ).toBe(43_200);
    expect(networkdLifetime("ADDRESS=10.42.0.17\nLIFETIME=4294967295\n")).toBeNull();
  });

  it("is in the last lease of dhclient's", () => {
    const lease = (name: string, time: number) =>
      `lease {\n  interface "${name}";\n  fixed-address 10.42.0.17;\n  option dhcp-lease-time ${time};\n  renew 3 2025/03/12 09:00:00;\n}\n`;
    const text = lease("eth0", 600) + lease("wlan0", 900) + lease("eth0", 7_200);
    expect([...dhclientLifetimes(text)].sort()).toEqual([
      ["eth0", 7_200],
      ["wlan0", 900],
    ]);
  });
});

describe("leases from look to look", () => {
  const here = (leftSeconds: number | null, more: Partial<PortAddress> = {}): PortAddress[] => [
    { name: "eth0", leftSeconds, hasLink: true, hasOwn: false, ...more },
  ];
  const run = (looks: readonly PortAddress[][], told: readonly (readonly [string, number])[] = []): readonly Lease[] =>
    looks.reduce<readonly Lease[]>((before, ports) => stepLeases(before, ports, new Map(told)), []);

  it.each<{ name: string; looks: PortAddress[][]; told?: [string, number][]; want: Partial<Lease>[] }>([
    { name: "at first know what is left", looks: [here(500)], want: [{ leftSeconds: 500, lifetimeSeconds: null }] },
    {
      name: "are known at once where the client says",
      looks: [here(500)],
      told: [["eth0", 600]],
      want: [{ leftSeconds: 500, lifetimeSeconds: 600 }],
    },
    {
      name: "learn from a renewal",
      looks: [here(310), here(598), here(450)],
      want: [{ leftSeconds: 450, lifetimeSeconds: 598 }],
    },
    {
      name: "learn anew when the server gives less",
      looks: [here(310), here(7_000), here(3_400), here(3_600), here(3_500)],
      want: [{ leftSeconds: 3_500, lifetimeSeconds: 3_600 }],
    },
    { name: "are at nothing when the address is gone", looks: [here(30), here(null)], want: [{ leftSeconds: 0 }] },
    { name: "stay at nothing", looks: [here(30), here(null), here(null)], want: [{ leftSeconds: 0 }] },
    { name: "come back", looks: [here(30), here(null), here(600)], want: [{ leftSeconds: 600, lifetimeSeconds: 600 }] },
    {
      name: "are nobody's after an address was set by hand",
      looks: [here(30), here(null, { hasOwn: true })],
      want: [],
    },
    { name: "are not missed on a port without a link", looks: [here(30), here(null, { hasLink: false })], want: [] },
    { name: "are not missed where there never was one", looks: [here(null)], want: [] },
  ])("$name", ({ looks, told = [], want }) => expect(run(looks, told)).toMatchObject(want));

  it("never tell of more than was lent", () => {
    const look = fc.option(fc.integer({ min: 0, max: 1_000 })).map((left) => here(left));
    fc.assert(
      fc.property(fc.array(look, { maxLength: 20 }), (looks) => {
        for (const { leftSeconds, lifetimeSeconds } of run(looks)) {
          expect(lifetimeSeconds === null || leftSeconds <= lifetimeSeconds).toBe(true);
        }
      }),
    );
  });
});

it("never throws, whatever is said", () => {
  const json = fc.json().map((text) => text.replaceAll('"a"', '"addr_info"'));
  fc.assert(
    fc.property(fc.oneof(fc.string({ maxLength: 400 }), json), (text) => {
      const found = [
        ...parseWireless(text),
        ...parseIwLink(text, "wlan0"),
        ...parseNetshWlan(text),
        ...parseAddresses(text),
        ...parseWindowsAddresses(text),
        ...dhclientLifetimes(text),
      ];
      expect(found.length).toBeLessThan(1_000);
      expect(Number.isNaN(networkdLifetime(text) ?? 0)).toBe(false);
    }),
  );
});

/** Of as much as is read of a file or a tool: looked through once it takes milliseconds, once for each line a minute. */
it.each(["\n", "\r", "\r\n", " ", " \n", ":", "\n:", "lease \n"])(
  "reads a quarter of a megabyte of %j in no time",
  (text) => {
    const long = text.repeat(Math.floor(262_144 / text.length));
    parseWireless(long);
    parseIwLink(long, "wlan0");
    parseNetshWlan(long);
    dhclientLifetimes(long);
    networkdLifetime(long);
  },
  1_000,
);
