import { describe, expect, it } from "vitest";
import { explainFailure, notDelivering, readRefused, takenOver } from "./trouble.ts";

const TO = { url: "mqtts://broker.example:8883", username: "collector", clientId: "aislewatch-collector" };
const failed = (code: string | number, message = "it failed") => Object.assign(new Error(message), { code });

describe("why a broker can't be used", () => {
  it.each([
    { name: "nobody listens", thrown: failed("ECONNREFUSED"), is: "BROKER_UNREACHABLE", says: /broker\.example:8883/ },
    { name: "no way there", thrown: failed("EHOSTUNREACH"), is: "BROKER_UNREACHABLE", says: /firewall/ },
    { name: "no such name", thrown: failed("ENOTFOUND"), is: "BROKER_NAME_UNKNOWN", says: /mqtt\.url/ },
    {
      name: "signed by itself",
      thrown: failed("DEPTH_ZERO_SELF_SIGNED_CERT"),
      is: "BROKER_CA_UNKNOWN",
      says: /mqtt\.ca/,
    },
    { name: "over", thrown: failed("CERT_HAS_EXPIRED"), is: "BROKER_CERTIFICATE_EXPIRED", says: /renew/ },
    { name: "not yet valid", thrown: failed("CERT_NOT_YET_VALID"), is: "BROKER_CERTIFICATE_EXPIRED", says: /clock/ },
    { name: "no TLS", thrown: failed("ERR_SSL_WRONG_VERSION_NUMBER"), is: "BROKER_NO_TLS", says: /8883 is usual/ },
    {
      name: "a client id that is refused",
      thrown: failed(2),
      is: "BROKER_CLIENT_ID_REFUSED",
      says: /aislewatch-collector/,
    },
    { name: "a name that is refused", thrown: failed(5), is: "BROKER_SIGN_IN_REFUSED", says: /"collector"/ },
    { name: "a number that nobody knows", thrown: failed(99), is: "BROKER_LOST", says: /tried again/ },
    { name: "an error that nobody knows", thrown: failed("EWHATEVER"), is: "BROKER_NO_MQTT", says: /mqtts:\/\// },
    { name: "an end without a word", thrown: null, is: "BROKER_NO_MQTT", says: /MQTT broker/ },
    { name: "nothing but a code", thrown: failed("ECONNREFUSED", ""), is: "BROKER_UNREACHABLE", says: /runs/ },
  ])("$name", ({ thrown, is, says }) => {
    const { code, detail, hint } = explainFailure({ thrown, wasOpen: false }, TO);
    expect([code, hint]).toEqual([is, expect.stringMatching(says)]);
    expect(detail).not.toBe("");
  });

  it("is that it was lost, when it had taken us before and says no more", () => {
    expect(explainFailure({ thrown: null, wasOpen: true }, TO)).toMatchObject({ code: "BROKER_LOST" });
    expect(explainFailure({ thrown: failed("ECONNRESET"), wasOpen: true }, TO)).toMatchObject({ code: "BROKER_LOST" });
  });

  it("names who is not allowed what, and who else is there", () => {
    expect(readRefused(["a/b"], TO).detail).toMatch(/"collector" subscribe to a\/b/);
    expect(notDelivering(["a/b"], { ...TO, username: null }).detail).toMatch(
      /a client without a name publishes on a\/b/,
    );
    expect(takenOver({ host: "", startedAt: 0 }, TO).detail).toMatch(/an unnamed host, started 1970-01-01T/);
  });
});
