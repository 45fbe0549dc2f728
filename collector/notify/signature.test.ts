import { describe, expect, it } from "vitest";
import { sign, signingKey, verify } from "./signature.ts";

/** The example of the specification (standardwebhooks.com), and what its own libraries make of it. */
const KEY = signingKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
const SIGNED = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body: '{"test": 2432232314}' };
const SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

describe("signatures", () => {
  it("are those of the specification's example", () => {
    if (KEY === null) throw new Error("no key");
    expect(sign(SIGNED, KEY)).toBe(SIGNATURE);
    expect(verify(SIGNED, `v1,AAAA ${SIGNATURE}`, KEY)).toBe(true);
  });

  it.each([
    { name: "another id", given: { id: "msg_other" } },
    { name: "another time", given: { timestamp: SIGNED.timestamp + 1 } },
    { name: "another body", given: { body: "{}" } },
  ])("are not right for $name", ({ given }) => {
    if (KEY === null) throw new Error("no key");
    expect(verify({ ...SIGNED, ...given }, SIGNATURE, KEY)).toBe(false);
  });

  it.each([
    { name: "short", secret: "hunter2" },
    { name: "short once it is decoded", secret: "whsec_MfKQ9r8G" },
  ])("refuse a secret that is $name", ({ secret }) => expect(signingKey(secret)).toBeNull());
});
