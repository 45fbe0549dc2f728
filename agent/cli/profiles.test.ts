import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keepingTerminal } from "../../test/rig/command-line.ts";
import { profiles } from "./profiles.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "agent-profiles-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]): { code: number; out: string; error: string } {
  const { terminal, said } = keepingTerminal();
  const code = profiles(args, terminal);
  const { out, error } = said();
  return { code, out, error: error.replaceAll(`${folder}/`, "") };
}

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const ACME = `profile: acme-ups
title: Acme PowerBox
extends: [ups]
match: [{ sys_object_id: 1.3.6.1.4.1.99999.* }]
metrics:
  battery_charge_percent: { oid: 1.3.6.1.4.1.99999.1.0 }
`;

describe("profiles check", () => {
  it("says that a profile is right, and what it reads", () => {
    expect(run("check", file("acme.yaml", ACME))).toMatchObject({ code: 0, error: "" });
  });

  it("shows file, line, column, what was expected and what to write", () => {
    const { code, error } = run(
      "check",
      file("acme.yaml", ACME.replace("battery_charge_percent", "batery_charge_percent")),
    );
    expect(code).toBe(2);
    expect(error).toContain("acme.yaml:6:3");
    expect(error).toContain('did you mean "battery_charge_percent"?');
  });

  it("takes files that extend each other, and names one that is not there", () => {
    const child = file("child.yaml", "profile: acme-small\ntitle: Small\nextends: [acme-ups]\n");
    expect(run("check", child, file("acme.yaml", ACME)).code).toBe(0);
    expect(run("check", child).error).toContain('received "acme-ups"');
    expect(run("check", join(folder, "none.yaml")).error).toContain("none.yaml");
  });

  it("says which built-in profile a file stands instead of", () => {
    expect(run("check", file("ups.yaml", ACME.replace("acme-ups", "apc-ups"))).out).toContain(
      "instead of the built-in",
    );
  });
});

describe("profiles list", () => {
  it("names every profile with its kind, and who is known from documents only", () => {
    const { out } = run("list");
    expect(out).toMatch(/^zebra +label_printer +yes +/m);
    expect(out).toMatch(/^huawei-ups +ups +documents only +/m);
    expect(out).toMatch(/^poe +only extended +/m);
  });

  it("holds a folder of one's own, too", () => {
    file("acme.yaml", ACME);
    expect(JSON.parse(run("list", "--json", "--profiles", folder).out)).toContainEqual(
      expect.objectContaining({ name: "acme-ups", kind: "ups", extends: ["ups", "system"] }),
    );
  });
});

describe("traps", () => {
  const WITH_TRAPS = `${ACME}traps:
  - { trap: doorOpened, oid: 1.3.6.1.4.1.99999.0.7, source: ACME-MIB, fault: cover_open }
  - { trap: ourColdStart, oid: 1.3.6.1.6.3.1.1.5.1, fault: rebooted }
`;

  it("are listed with their faults and the profile that says so", () => {
    const { out, code } = run("traps");
    expect(code).toBe(0);
    expect(out).toMatch(/^1\.3\.6\.1\.4\.1\.318\.0\.9 +powerRestored +on_battery over +apc-ups +PowerNet-MIB$/m);
    expect(out).toMatch(
      /^1\.3\.6\.1\.2\.1\.43\.18\.2\.0\.1 +printerV2Alert +jam and \d+ others, by its values +printer /m,
    );
  });

  it("of a folder of one's own are listed and checked as all of a profile is", () => {
    const path = file("acme.yaml", WITH_TRAPS);
    const { code, out } = run("check", path);
    expect(code).toBe(0);
    expect(out).toMatch(/^acme-ups: right; .*; 2 traps$/m);
    expect(out).toMatch(/^acme-ups: ourColdStart stands instead of coldStart of system$/m);
    const one = run("traps", "1.3.6.1.4.1.99999.7", "--json", "--profiles", folder);
    expect(JSON.parse(one.out)).toEqual([
      expect.objectContaining({ profile: "acme-ups", trap: "doorOpened", fault: "cover_open" }),
    ]);
  });

  it("that are wrong are shown with their place and what was meant", () => {
    const { code, error } = run("check", file("acme.yaml", WITH_TRAPS.replace("cover_open", "cover_opne")));
    expect(code).toBe(2);
    expect(error).toContain("acme.yaml:8:78");
    expect(error).toContain('did you mean "cover_open"?');
  });

  it("that nobody knows are no error of the command line", () => {
    expect(run("traps", "1.3.6.1.4.1.99999.0.7").code).toBe(1);
    expect(run("traps", "door").code).toBe(2);
  });
});

describe("profiles explain", () => {
  it("says which profile a device gets, before which others, and from what", () => {
    const { code, out } = run("explain", "1.3.6.1.4.1.3808.1.1.1", "--present", "1.3.6.1.2.1.33.1.2");
    expect(code).toBe(0);
    expect(out).toMatch(/^profile +cyberpower-ups:/m);
    expect(out).toMatch(/^extends +ups, system, cyberpower-sensors$/m);
  });

  it("looks at the description", () => {
    expect(run("explain", "1.3.6.1.4.1.424242.1", "--descr", "ACME Access Point 7").out).toMatch(
      /^kind +access_point$/m,
    );
  });

  it.each([
    { name: "no word", args: [], code: 0 },
    { name: "another word", args: ["frobnicate"], code: 2 },
    { name: "a word after list", args: ["list", "ups"], code: 2 },
    { name: "no file", args: ["check"], code: 2 },
    { name: "no object id", args: ["explain", "ups"], code: 2 },
    { name: "an option that is none", args: ["list", "--colour"], code: 2 },
    { name: "a folder that is none", args: ["list", "--profiles", "/nonexistent"], code: 2 },
  ])("ends with $code for $name", ({ args, code }) => {
    expect(run(...args).code).toBe(code);
  });
});

const DRIVE = `map: acme-drive
title: Acme drive
kind: drive
addresses: entity
registers:
  status: { at: 40001 }
  current: { at: 40002, scale: 0.1, unit: A }
metrics:
  running: { register: status, bit: 0 }
  motor_current_amperes: { register: current }
`;

describe("profiles and register maps", () => {
  it("checks a map beside profiles, and shows what is wrong with it", () => {
    const right = run("check", file("drive.yaml", DRIVE), file("acme.yaml", ACME));
    expect(right).toMatchObject({ code: 0, error: "" });
    expect(right.out).toContain("acme-drive: right; 2 metrics; 1 reads at every poll, 0 now and then");
    const wrong = run("check", file("drive.yaml", DRIVE.replace("register: status", "register: staus")));
    expect(wrong.code).toBe(2);
    expect(wrong.error).toContain("drive.yaml:9:24");
    expect(wrong.error).toContain('did you mean "status"?');
  });

  it("lists the built-in maps and those of a folder, and explains one", () => {
    file("drive.yaml", DRIVE);
    const { out } = run("list", "--profiles", folder);
    expect(out).toMatch(/^siemens-v20 +drive +documents only +/m);
    expect(out).toMatch(/^acme-drive +drive +yes +/m);
    const explained = run("explain", "acme-drive", "--profiles", folder);
    expect(explained.out).toContain("holding register 40001, 2 of them");
    expect(explained.out).toMatch(/^current +holding register 40002 +u16 × 0.1 A$/m);
    expect(run("explain", "acme-driv").error).toContain("or the name of a map");
  });
});
