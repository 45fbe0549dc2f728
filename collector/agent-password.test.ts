import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashAgentPassword, newAgentPassword, verifyAgentPassword } from "./agent-password.ts";

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
        expect(verify(password, hash.slice(0, -1))).toBe(false);
      }),
    );
  });
});
