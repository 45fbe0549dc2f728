import { describe, expect, it } from "vitest";
import { compileProfiles, readCompiledProfiles } from "./profile-compiled.ts";
import { loadBuiltinProfiles } from "./profile-load.ts";

describe("compiled profiles", () => {
  const profiles = loadBuiltinProfiles();
  const read = readCompiledProfiles(compileProfiles(profiles));

  it("are the profiles that were compiled", () => {
    expect(read).toEqual(profiles);
  });

  it("can be compiled again, and hashed, like any others", () => {
    expect(compileProfiles(read)).toBe(compileProfiles(profiles));
    expect(JSON.parse(JSON.stringify(read))).toEqual(JSON.parse(JSON.stringify(profiles)));
  });
});
