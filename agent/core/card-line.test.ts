import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutConversations, POURS, PUBLISHED, piecesIn } from "../../test/rig/specimen-cards.ts";
import { redactCodes } from "./card-data.ts";
import { LineRedactor } from "./card-line.ts";

const VISA = "4111111111111111";

const bytesOfHex = (hex: string): string => Buffer.from(hex, "hex").toString("latin1");

describe("digits that come a few at a time", () => {
  it("are counted over all reads that are nothing else", () => {
    const line = new LineRedactor();
    const reads = ["41", "11", "11", "11", " ok", "11", "11"];
    expect(reads.map((read) => line.redact(read))).toEqual(["41", "11", "[digits:2]", "[digits:2]", " ok", "11", "11"]);
  });
});

/** Every reply that a driver's tests hold, and those that others recorded. */
const ROOT = join(import.meta.dirname, "../..");
const CAPTURES = join(ROOT, "../shared/devices/captures");
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
const recorded = [
  ...globSync("agent/drivers/*/testdata/*/reply.json", { cwd: ROOT }).map((file) => join(ROOT, file)),
  ...(existsSync(CAPTURES) ? globSync("{escpos,scales,scanners,modbus,zebra,usb}/*.json", { cwd: CAPTURES }) : []).map(
    (file) => join(CAPTURES, file),
  ),
];

/** Whose replies are no bytes of a line, and whose are codes. */
const NO_LINE = /\/drivers\/(?:snmp|modbus|host)\//;
const CODES = /\/drivers\/(?:escpos|star|zebra-ssi)\//;

describe("what real devices say", () => {
  it.each(recorded)("passes as it is: %s", (file) => {
    const line = new LineRedactor(CODES.test(file) ? "codes" : "text");
    for (const written of textsIn(JSON.parse(readFileSync(file, "utf8")))) {
      const text = /^(?:[0-9a-f]{2})+$/.test(written) ? bytesOfHex(written) : written;
      expect(redactCodes(text)).toBe(text);
      if (file.includes("/drivers/") && !NO_LINE.test(file)) expect(line.redact(text)).toBe(text);
    }
  });
});

describe("LineRedactor", () => {
  it.each([
    { name: "a number", read: "92853669 g" },
    { name: "groups", read: "9285-3669 g" },
    { name: "groups, from a separator on", read: " 9285 3669 g" },
    { name: "two bytes a digit", read: "\x009\x002\x008\x005\x003\x006\x006\x009 g" },
    { name: "track 2", read: "3669=25129073165824? g" },
    { name: "track 1", read: "3669^DOE/JANE^25129073165824? g" },
  ])("masks the rest of $name whose beginning nobody heard", ({ read }) => {
    expect(new LineRedactor().redact(read)).toMatch(/^ ?\[(?:digits:\d+|track)\] g$/);
  });

  const track = `;${VISA}=25121011000012300000?`;

  it.each(PUBLISHED)("lets no more than four digits of %s through, wherever two reads or three cut it", (number) => {
    for (let one = 1; one < number.length; one++) {
      for (let two = one; two < number.length; two++) {
        const line = new LineRedactor();
        const reads = [number.slice(0, one), number.slice(one, two), number.slice(two)].map((read) =>
          line.redact(read),
        );
        const digits = reads
          .join("")
          .replaceAll(/\[[^\]]*\]/g, "")
          .replaceAll(/\D/g, "");
        expect(digits.length, `${one} ${two}`).toBeLessThanOrEqual(4);
      }
    }
  });

  it("lets no number through of a track that is cut anywhere", () => {
    for (let at = 1; at < track.length; at++) {
      const line = new LineRedactor();
      const safe = `${line.redact(track.slice(0, at))}${line.redact(track.slice(at))}`;
      expect(safe, String(at)).not.toMatch(/\d{13}/);
      expect(safe, String(at)).not.toContain(VISA.slice(0, 8));
    }
  });

  it.each([
    { name: "a number", said: "92853669\r\n" },
    { name: "a track", said: "669=27121011907?\r\n" },
    { name: "what is on a track behind it", said: "73165824?\r\n" },
  ])("lets no rest of $name through that began before anybody listened", ({ said }) => {
    expect(new LineRedactor().redact(said)).toMatch(/^\[digits:\d+\]\r\n$/);
  });

  it.each(["0012.345 kg\r\n", "0032\r", "00\r\n", "1234567\r\n"])(
    "passes an answer that begins with few digits: %j",
    (said) => {
      expect(new LineRedactor().redact(said)).toBe(said);
    },
  );

  it("passes replies with a frame as they are", () => {
    const line = new LineRedactor();
    const reply = "\x02030,0,0,1225,000,0,0,0,000,0,0,0\x03\r\n";
    for (let n = 0; n < 3; n++) expect(line.redact(reply)).toBe(reply);
    expect(line.redact('"313247"')).toBe('"313247"');
  });
});

describe("a form that is cut at up to four places, among what devices say", () => {
  const ordinary = recorded
    .filter((file) => file.includes("/drivers/") && !NO_LINE.test(file) && !CODES.test(file))
    .flatMap((file) => textsIn(JSON.parse(readFileSync(file, "utf8"))));

  it("leaves no eight digits in what is kept of any read", () => {
    fc.assert(
      fc.property(cutConversations(ordinary), (reads) => {
        const line = new LineRedactor();
        expect(reads.map((read) => line.redact(read)).flatMap(piecesIn)).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
  });

  it("leaves none of it where there is one cut, wherever, and nothing else", () => {
    for (const form of POURS) {
      for (let cut = 1; cut < form.length; cut++) {
        const line = new LineRedactor();
        const kept = [form.slice(0, cut), form.slice(cut)].map((read) => line.redact(read));
        expect(kept.flatMap(piecesIn), `${JSON.stringify(form)} at ${cut}`).toEqual([]);
      }
    }
  });
});

describe("the rest of a track 1 that is cut within the name", () => {
  const track = `%B${VISA}^DOE/JANE^29121010000090731658?`;

  it.each([
    { name: "the beginning", reads: [track.slice(0, 22), "\r\n"], kept: ["[track]", "\r\n"] },
    { name: "the rest", reads: [`${track.slice(22)}\r\n`], kept: ["[track]\r\n"] },
    { name: "the rest behind an answer", reads: [`ok\r\n${track.slice(22)}`], kept: ["ok\r\n[track]"] },
    { name: "what is behind the name", reads: [`^29121010000090731658?\r\n`], kept: ["[track]\r\n"] },
    { name: "the end of the number and a part of the name", reads: ["ok\r\n11111111^DOE/J"], kept: ["ok\r\n[track]"] },
  ])("is masked: $name", ({ reads, kept }) => {
    const line = new LineRedactor();
    expect(reads.map((read) => line.redact(read))).toEqual(kept);
  });
});

describe("a piece that no device says as it stands", () => {
  it.each([
    { name: "hex with 0x", read: "ok\r\n0x39,0x32,0x38,0x35,0x33,0x36\r\n", kept: "ok\r\n0x[digits:6]\r\n" },
    { name: "hex with \\x", read: "\\x39\\x32\\x38\\x35\\x33\\x36\r\n", kept: "\\x[digits:6]\r\n" },
    { name: "seven bits and parity", read: "ok\r\n9\u00b2\u00b853669\r\n", kept: "ok\r\n[digits:8]\r\n" },
    { name: "digits with tabs, at the end", read: "ok\r\n9\t2\t8\t5\t3\t", kept: "ok\r\n[digits:5]" },
  ])("is masked: $name", ({ read, kept }) => expect(new LineRedactor().redact(read)).toBe(kept));

  it.each(["0032,31,30,29\r\n", "12\u00b0 34\u00b2 56\r\n", "33:34:35\r\n"])("is none: %j", (read) => {
    expect(new LineRedactor().redact(read)).toBe(read);
  });
});

describe("a piece of packed digits", () => {
  it.each([
    { name: "at the end", read: "ok\r\nI)s\u0018", kept: "ok\r\nI)s[digits:2]" },
    { name: "at the beginning", read: "\u0006E\u0082y\r\nok", kept: "[digits:6]y\r\nok" },
    { name: "in the midst", read: "ok\r\n\u0006E\u0082y\r\nok", kept: "ok\r\n[digits:6]y\r\nok" },
    { name: "with one byte of a line's protocol", read: 'ok\r\n"#\u0004q', kept: 'ok\r\n"#[digits:2]q' },
    { name: "with two of them", read: 'ok\r\n"#\u0004\u0001q', kept: 'ok\r\n"#[digits:4]q' },
    { name: "behind the D of a chip's track", read: "y\u00d2q!\u0001 ", kept: "y[digits:8] " },
  ])("is broken up $name", ({ read, kept }) => expect(new LineRedactor().redact(read)).toBe(kept));

  it.each([
    { name: "a glitch before an answer", read: "\u00800012.345 kg\r\n" },
    { name: "a glitch behind an answer", read: "0012.345 kg\r\n0\u0080" },
    { name: "an acknowledgement between two texts", read: "CBRENA1\u0006!" },
    { name: "two frames", read: "\u000200\u0003\u000200\u0003" },
    { name: "a frame of a line's protocol", read: "\u0001\u0002A1\u0003\u0004" },
    { name: "zeros of an idle line", read: "\0\0\0\x0012.345 kg\r\n" },
    { name: "a letter of an old code page", read: "ok\r\nGeb\u0084ude 12\r\n" },
    { name: "words of UTF-8", read: Buffer.from("Спящий режим, Ä Ö 12\r\n").toString("latin1") },
    { name: "a serial number of a letter and digits", read: "B0210042\r\n" },
    { name: "an asset number of sixteen digits that fails the check", read: 'I4 A "1234567890123456"\r\n' },
    { name: "signs of UTF-8", read: "12 \u00e2\u0080\u0093 14\r\n" },
  ])("is not taken for one: $name", ({ read }) => {
    const line = new LineRedactor();
    expect(line.redact(read)).toBe(read);
    expect(line.redact(read)).toBe(read);
    expect(line.holdsCut).toBe(false);
  });
});

describe("a line of codes", () => {
  it.each([
    { name: "a few bytes that look like digits", read: "2262662", kept: "2262662" },
    { name: "eight and more at the beginning", read: "92853669\u0012", kept: "[digits:8]\u0012" },
    { name: "eight and more at the end", read: "\u001292853669", kept: "\u0012[digits:8]" },
    { name: "packed digits, which any row of codes may be", read: "I)s\u0018", kept: "I)s\u0018" },
    {
      name: "digits of EBCDIC",
      read: "\u0012\u00f9\u00f2\u00f8\u00f5\u00f3\u00f6\u0012",
      kept: "\u0012[digits:6]\u0012",
    },
  ])("keeps of $name: $kept", ({ read, kept }) => expect(new LineRedactor("codes").redact(read)).toBe(kept));
});

it("keeps nothing of more than can be looked at", () => {
  const line = new LineRedactor();
  line.dropped("x".repeat(200_000));
  expect(line.holdsCut).toBe(false);
  line.redact("x".repeat(100_000));
  expect(line.holdsCut).toBe(true);
});
