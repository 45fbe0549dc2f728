import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashAgentPassword, isBrokersForm, newAgentPassword, verifyAgentPassword } from "./agent-password.ts";

/** Of the form that collectors wrote before 22 November 2026. */
const FORMER = "sha256$c2FsdA$vcCPD53lOPi1EEbn_xIYbBMPgEFLfAEvu-JQXYFL5UE";
/** `mosquitto_passwd -c FILE x`, with the password "correct horse". */
const MOSQUITTOS =
  "$7$101$V4Mn9uPAdIEmlx7k$5ubywbTAg/P9Pb0DzOePG/A/BZ1OBCPzuQPnqcP1SPMp1VVsgr50mk3RHLMD+839KhHWiM7Ly0gj2bg5nSSoIg==";

const verify = (password: string, hash: string) => verifyAgentPassword(Buffer.from(password), hash);

describe("agent passwords", () => {
  it("are 256 random bits, and their hash tells neither them nor whether two are the same", () => {
    const password = newAgentPassword();
    expect(Buffer.from(password, "base64url").length).toBe(32);
    expect(newAgentPassword()).not.toBe(password);
    const hash = hashAgentPassword(password);
    expect(hash).not.toContain(password);
    expect(hashAgentPassword(password)).not.toBe(hash);
  });

  it("fit their own hash and no other, and garbage fits nothing and never throws", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (password, other, garbage) => {
        const hash = hashAgentPassword(password);
        expect(verify(password, hash)).toBe(true);
        expect(verify(other, hash)).toBe(other === password);
        expect(verify(password, garbage)).toBe(false);
        expect(verify(password, `sha256$${garbage}`)).toBe(false);
        expect(verify(password, hash.slice(0, -4))).toBe(false);
        expect(verify(password, `$7$101$${garbage}`)).toBe(false);
      }),
    );
  });

  it("are hashed as Mosquitto does it, and fit a hash of its own", () => {
    expect(isBrokersForm(hashAgentPassword("x"))).toBe(true);
    expect([verify("correct horse", MOSQUITTOS), verify("wrong horse", MOSQUITTOS)]).toEqual([true, false]);
  });

  it("still fit the hashes of the form before, which no broker knows", () => {
    expect([verify("battery", FORMER), verify("batterie", FORMER), isBrokersForm(FORMER)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
