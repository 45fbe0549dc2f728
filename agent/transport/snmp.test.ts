/** Against devices that misbehave: what comes off the wire is hostile, and a poll ends in bounded time with a name for it. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { newPace, openSnmp, SNMP_LIMITS, type SnmpSession, type SnmpTarget } from "./snmp.ts";

const open: { close(): unknown }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** BER, as far as a v2c answer needs it. */
const tlv = (tag: number, ...parts: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  const length =
    body.length < 128 ? Buffer.from([body.length]) : Buffer.from([0x82, body.length >> 8, body.length & 0xff]);
  return Buffer.concat([Buffer.from([tag]), length, body]);
};
const int = (value: number): Buffer => {
  const octets = Buffer.alloc(5);
  octets.writeIntBE(value, 0, 5);
  return tlv(2, octets);
};
function oidOctets(oid: string): Buffer {
  const [first = 0, second = 0, ...arcs] = oid.split(".").map(Number);
  const octets = [40 * first + second];
  for (const arc of arcs) {
    const groups = [arc & 0x7f];
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128))
      groups.unshift((rest & 0x7f) | 0x80);
    octets.push(...groups);
  }
  return tlv(6, Buffer.from(octets));
}
const varbind = (oid: string, value: Buffer): Buffer => tlv(0x30, oidOctets(oid), value);

type Request = { readonly id: Buffer; readonly oids: readonly string[]; readonly repetitions: number };

/** Reads what our own session sends: its lengths are short, its ids four octets at most. */
function readRequest(message: Buffer): Request {
  const children = (bytes: Buffer): { tag: number; body: Buffer; whole: Buffer }[] => {
    const found = [];
    for (let at = 0; at + 2 <= bytes.length; ) {
      const marker = bytes[at + 1] ?? 0;
      const extra = marker & 0x80 ? marker & 0x7f : 0;
      const length = extra === 0 ? marker : bytes.readUIntBE(at + 2, extra);
      const start = at + 2 + extra;
      found.push({
        tag: bytes[at] ?? 0,
        body: bytes.subarray(start, start + length),
        whole: bytes.subarray(at, start + length),
      });
      at = start + length;
    }
    return found;
  };
  const pdu = children(children(message)[0]?.body ?? Buffer.alloc(0))[2]?.body ?? Buffer.alloc(0);
  const [id, , repetitions, list] = children(pdu);
  const oids = children(list?.body ?? Buffer.alloc(0)).map(({ body }) =>
    readOid(children(body)[0]?.body ?? Buffer.alloc(0)),
  );
  return { id: id?.whole ?? Buffer.alloc(0), oids, repetitions: repetitions?.body[0] ?? 0 };
}
function readOid(octets: Buffer): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of octets) {
    arc = arc * 128 + (octet & 0x7f);
    if ((octet & 0x80) === 0) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const first = arcs.shift() ?? 0;
  return [Math.min(2, Math.floor(first / 40)), first - 40 * Math.min(2, Math.floor(first / 40)), ...arcs].join(".");
}
function answer(
  request: Request,
  varbinds: readonly Buffer[],
  options: { error?: number; community?: string } = {},
): Buffer {
  const pdu = tlv(0xa2, request.id, int(options.error ?? 0), int(0), tlv(0x30, ...varbinds));
  return tlv(0x30, int(1), tlv(4, Buffer.from(options.community ?? "public")), pdu);
}

type Device = (request: Request, send: (datagram: Buffer) => void) => void;

async function device(behave: Device): Promise<Socket> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  open.push(socket);
  await once(socket, "listening");
  socket.on("message", (message, from) =>
    behave(readRequest(message), (datagram) => socket.send(datagram, from.port, from.address)),
  );
  return socket;
}

/** Devices here answer at once; a busy machine takes its time. Each silence costs so much. */
const ANSWER_MS = 500;
const POLL_MS = 30_000;

async function session(socket: Socket, target: Partial<SnmpTarget> = {}): Promise<SnmpSession> {
  const opened = await openSnmp({
    host: "127.0.0.1",
    port: socket.address().port,
    credential: { version: "2c", community: "public" },
    timeoutMs: ANSWER_MS,
    retries: 0,
    maxRepetitions: 20,
    ...target,
  });
  if (!opened.ok) throw new Error(opened.error.detail);
  open.push(opened.value);
  opened.value.begin(AbortSignal.timeout(POLL_MS), POLL_MS);
  return opened.value;
}

const SYS_DESCR = "1.3.6.1.2.1.1.1.0";
const COLUMN = "1.3.6.1.2.1.2.2.1.2";
const text = (value: string): Buffer => tlv(4, Buffer.from(value));

describe("a device that misbehaves", () => {
  it.each<{ name: string; behave: Device; want: string }>([
    { name: "says nothing", behave: () => undefined, want: "timeout: no answer in 1 try of 500 ms" },
    {
      name: "answers with garbage",
      behave: (_, send) => send(Buffer.from("HTTP/1.1 400 Bad Request")),
      want: "protocol: the answer is no SNMP",
    },
    {
      name: "answers with another community",
      behave: (request, send) => send(answer(request, [varbind(SYS_DESCR, text("x"))], { community: "other" })),
      want: "auth: the answer carries another community than the request",
    },
    {
      name: "answers with too few values",
      behave: (request, send) => send(answer(request, [])),
      want: "protocol: Requested OIDs do not match response OIDs",
    },
    {
      name: "answers with an error",
      behave: (request, send) => send(answer(request, [varbind(SYS_DESCR, tlv(5))], { error: 5 })),
      want: "protocol: the device answers with an error: GeneralError",
    },
    {
      name: "answers another request than ours",
      behave: (request, send) => send(answer({ ...request, id: int(7) }, [varbind(SYS_DESCR, text("x"))])),
      want: "timeout: no answer in 1 try of 500 ms; what came answers another request than ours",
    },
  ])("that $name is said to be so", async ({ behave, want }) => {
    const got = await (await session(await device(behave))).get([SYS_DESCR]);
    expect(got.ok ? "an answer" : `${got.error.kind}: ${got.error.detail}`).toContain(want);
  });

  it("is refused at once where nothing listens", async () => {
    const socket = await device(() => undefined);
    const { port } = socket.address();
    open.splice(open.indexOf(socket), 1);
    socket.close();
    await once(socket, "close");
    const client = await session({ address: () => ({ port }) } as Socket, { timeoutMs: 4_000 });
    expect(await client.get([SYS_DESCR])).toMatchObject({ ok: false, error: { kind: "refused" } });
  });

  it("is not found where its name is not", async () => {
    const target = { host: "no-such-host.invalid", port: 161, timeoutMs: 50, retries: 0, maxRepetitions: 20 };
    const opened = await openSnmp({ ...target, credential: { version: "2c", community: "public" } });
    expect(opened).toMatchObject({ ok: false, error: { kind: "unreachable" } });
  });

  it("takes values that it was not asked for by no other name", async () => {
    const client = await session(
      await device((request, send) => send(answer(request, [varbind("1.3.6.1.4.1.99.1.0", text("x"))]))),
    );
    expect(await client.get([SYS_DESCR])).toEqual({ ok: true, value: {} });
  });

  it.each<{ name: string; next: (oid: string, turn: number) => string; rows: number }>([
    { name: "repeats an OID for ever", next: () => `${COLUMN}.1`, rows: 1 },
    { name: "walks in a circle", next: (_, turn) => `${COLUMN}.${(turn % 3) + 1}`, rows: 3 },
    { name: "goes backwards", next: (_, turn) => `${COLUMN}.${100 - turn}`, rows: 1 },
    { name: "never ends", next: (_, turn) => `${COLUMN}.${turn}`, rows: 32 },
    {
      name: "leaves the table",
      next: (_, turn) => (turn < 4 ? `${COLUMN}.${turn}` : "1.3.6.1.2.1.2.2.1.3.1"),
      rows: 4,
    },
  ])("that $name ends a walk with the rows that were good", async ({ next, rows }) => {
    let turn = 0;
    const client = await session(
      await device((request, send) => {
        const values = Array.from({ length: 5 }, () => varbind(next(request.oids[0] ?? "", turn++), text("x")));
        send(answer(request, values));
      }),
    );
    const walked = await client.walk([{ oid: COLUMN, rowsMax: 32 }]);
    expect(walked.ok && Object.keys(walked.value).length).toBe(rows);
  });

  it.each<{ name: string; refuse: (request: Request) => Buffer | null }>([
    { name: "says tooBig", refuse: (request) => answer(request, [varbind(COLUMN, tlv(5))], { error: 1 }) },
    { name: "says genErr", refuse: (request) => answer(request, [varbind(COLUMN, tlv(5))], { error: 5 }) },
    { name: "says nothing", refuse: () => null },
  ])("that $name to GETBULK is asked for less, then for one at a time, in later polls, too", async ({ refuse }) => {
    const asked: number[] = [];
    const client = await session(
      await device((request, send) => {
        const [oid = ""] = request.oids;
        if (oid === SYS_DESCR) return send(answer(request, [varbind(SYS_DESCR, text("weak"))]));
        asked.push(request.oids.length);
        const row = oid === COLUMN ? 1 : Number(oid.split(".").at(-1)) + 1;
        if (asked.length <= 5) {
          const refusal = refuse(request);
          return refusal === null ? undefined : send(refusal);
        }
        return send(
          answer(request, [
            row > 3 ? varbind("1.3.6.1.2.1.2.2.1.3.1", text("x")) : varbind(`${COLUMN}.${row}`, text("x")),
          ]),
        );
      }),
    );
    // Silence counts as weakness only in a poll in which the device was heard.
    expect(await client.get([SYS_DESCR])).toMatchObject({ ok: true });
    const columns = [{ oid: COLUMN, rowsMax: 32 }];
    const walked = await client.walk(columns);
    expect(walked.ok && Object.keys(walked.value)).toEqual([1, 2, 3].map((row) => `${COLUMN}.${row}`));
    // 20, 10, 5, 2, 1 rows, then GETNEXT three times and once past the end.
    expect(asked.length).toBe(9);
    client.begin(AbortSignal.timeout(POLL_MS), POLL_MS);
    await client.walk(columns);
    expect(asked.length).toBe(13);
  });

  it("that is silent to GETBULK for longer than a poll may last is understood a few polls later", async () => {
    const socket = await device((request, send) => {
      const [oid = ""] = request.oids;
      // Answers what fits: one value for one name, no matter how it was asked for more than two rows.
      if (oid === SYS_DESCR) return send(answer(request, [varbind(SYS_DESCR, text("weak"))]));
      if (request.repetitions > 2) return;
      send(answer(request, [varbind("1.3.6.1.2.1.2.2.1.3.1", text("end"))]));
    });
    const target: SnmpTarget = {
      host: "127.0.0.1",
      port: socket.address().port,
      credential: { version: "2c", community: "public" },
      timeoutMs: 2_000,
      retries: 1,
      maxRepetitions: 20,
    };
    const pace = newPace(target);
    const polls: boolean[] = [];
    for (let n = 0; n < 6 && !polls.at(-1); n++) {
      const opened = await openSnmp(target, pace);
      if (!opened.ok) throw new Error(opened.error.detail);
      open.push(opened.value);
      opened.value.begin(AbortSignal.timeout(100), 100);
      await opened.value.get([SYS_DESCR]);
      polls.push((await opened.value.walk([{ oid: COLUMN, rowsMax: 8 }])).ok);
    }
    expect([polls, pace.repetitions]).toEqual([[false, false, false, true], 2]);
  });

  it("whose answer comes late, when the next request is on its way, is not believed", async () => {
    let late: (() => void) | null = null;
    const client = await session(
      await device((request, send) => {
        if (late === null) {
          late = () => send(answer(request, [varbind(SYS_DESCR, text("old"))]));
          return;
        }
        late();
        send(answer(request, [varbind(SYS_DESCR, text("new"))]));
      }),
    );
    expect(await client.get([SYS_DESCR])).toMatchObject({ ok: false, error: { kind: "timeout" } });
    expect(await client.get([SYS_DESCR])).toEqual({ ok: true, value: { [SYS_DESCR]: { type: "text", value: "new" } } });
  });

  it("that answers and is never done is said to be slow, not silent", async () => {
    const client = await session(
      await device((request, send) => {
        const rows = request.oids.map((oid) => varbind(`${oid}.1`, text("row")));
        const timer = setTimeout(() => send(answer(request, rows)), 30);
        open.push({ close: () => clearTimeout(timer) });
      }),
      { timeoutMs: 1_000 },
    );
    client.begin(AbortSignal.timeout(200), 1_000);
    expect(await client.walk([{ oid: COLUMN, rowsMax: 1_000 }])).toMatchObject({
      ok: false,
      error: { kind: "timeout", detail: "the poll's time was up", hint: expect.stringContaining("slowly") },
    });
  });

  it("whose answer comes twice is taken once", async () => {
    const values = ["first", "second", "third"];
    const client = await session(
      await device((request, send) => {
        const datagram = answer(request, [varbind(SYS_DESCR, text(values.shift() ?? ""))]);
        for (let n = 0; n < 3; n++) send(datagram);
      }),
    );
    for (const value of ["first", "second", "third"]) {
      expect(await client.get([SYS_DESCR])).toEqual({ ok: true, value: { [SYS_DESCR]: { type: "text", value } } });
    }
  });

  it("that sends strings as long as a datagram holds is read, until a poll's bytes are used up", async () => {
    let row = 0;
    const giant = Buffer.alloc(60_000, 0x41).toString();
    const client = await session(
      await device((request, send) => {
        const [oid = ""] = request.oids;
        send(answer(request, [varbind(oid === SYS_DESCR ? oid : `${COLUMN}.${++row}`, text(giant))]));
      }),
      { timeoutMs: 1_000 },
    );
    const got = await client.get([SYS_DESCR]);
    expect(got.ok && got.value[SYS_DESCR]?.value).toHaveLength(60_000);
    const walked = await client.walk([{ oid: COLUMN, rowsMax: 10_000 }]);
    expect(walked).toMatchObject({ ok: false, error: { kind: "protocol", detail: expect.stringContaining("bytes") } });
    expect(row).toBeLessThanOrEqual(SNMP_LIMITS.bytesPerPollMax / 60_000);
  });

  it("that cuts its answer short is asked again for what is missing", async () => {
    const columns = [2, 3, 4].map((column) => `1.3.6.1.2.1.2.2.1.${column}`);
    const client = await session(
      await device((request, send) => {
        const first = request.oids[0] ?? "";
        const column = columns.find((root) => first === root || first.startsWith(`${root}.`)) ?? "";
        const done = first.endsWith(".7") && first !== column;
        send(answer(request, [done ? varbind("1.3.6.1.9", text("end")) : varbind(`${column}.7`, text(column))]));
      }),
    );
    const walked = await client.walk(columns.map((oid) => ({ oid, rowsMax: 8 })));
    expect(walked.ok && Object.keys(walked.value).sort()).toEqual(columns.map((column) => `${column}.7`));
  });

  it("that has more rows than are wanted is read so far, and the column is named", async () => {
    const client = await session(
      await device((request, send) => {
        const oid = request.oids[0] ?? "";
        const row = oid === COLUMN ? 1 : Number(oid.split(".").at(-1)) + 1;
        send(answer(request, [row > 3 ? varbind("1.3.6.1.9", text("end")) : varbind(`${COLUMN}.${row}`, text("row"))]));
      }),
    );
    const walk = async (rowsMax: number) => {
      client.begin(AbortSignal.timeout(POLL_MS), POLL_MS);
      const walked = await client.walk([{ oid: COLUMN, rowsMax }]);
      return [walked.ok && Object.keys(walked.value).length, client.cost().cut];
    };
    expect(await walk(2)).toEqual([2, [COLUMN]]);
    expect(await walk(3)).toEqual([3, []]);
  });

  it("that sends more than a poll may cost is cut off", async () => {
    const noise = Buffer.alloc(60_000, 0x20);
    const client = await session(
      await device((_, send) => {
        for (let sent = 0; sent <= SNMP_LIMITS.bytesPerPollMax; sent += noise.length) send(noise);
      }),
    );
    // The kernel may drop a part of the flood; either way the poll ends with a name for it.
    const got = await client.get([SYS_DESCR]);
    expect(got.ok ? "" : got.error.kind).toBe("protocol");
  });

  it("never throws, whatever it sends, and a good answer after the noise is taken", async () => {
    let noise = Buffer.alloc(0);
    const client = await session(
      await device((request, send) => {
        send(noise);
        // The same noise with our request's id in it, at a place where a parser looks.
        send(Buffer.concat([answer(request, []).subarray(0, 2 + (noise.length % 20)), noise]));
        send(answer(request, [varbind(SYS_DESCR, text("good"))]));
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        noise = Buffer.from(bytes);
        const got = await client.get([SYS_DESCR]);
        expect(got).toEqual({ ok: true, value: { [SYS_DESCR]: { type: "text", value: "good" } } });
      }),
      { numRuns: 100 },
    );
  });
});

describe("values", () => {
  it.each([
    {
      name: "Counter64 within exact numbers",
      value: tlv(70, Buffer.from("00000000ffffffff", "hex")),
      want: { type: "counter64", value: 4_294_967_295 },
    },
    {
      name: "Counter64 beyond",
      value: tlv(70, Buffer.from("ffffffffffffffff", "hex")),
      want: { type: "counter64", value: "18446744073709551615" },
    },
    { name: "text", value: text("Tray 2"), want: { type: "text", value: "Tray 2" } },
    { name: "octets", value: tlv(4, Buffer.from([0x80, 0x00])), want: { type: "hex", value: "8000" } },
    { name: "an empty string", value: tlv(4), want: { type: "text", value: "" } },
    { name: "a negative integer", value: tlv(2, Buffer.from([0xfe])), want: { type: "integer", value: -2 } },
    { name: "TimeTicks", value: tlv(67, Buffer.from([0x01, 0x00])), want: { type: "ticks", value: 256 } },
    { name: "an OID", value: oidOctets("1.3.6.1.4.1.10642"), want: { type: "oid", value: "1.3.6.1.4.1.10642" } },
    { name: "an address", value: tlv(64, Buffer.from([10, 0, 0, 7])), want: { type: "ip", value: "10.0.0.7" } },
    {
      name: "a float in an Opaque",
      value: tlv(68, Buffer.from("9f780441480000", "hex")),
      want: { type: "float", value: 12.5 },
    },
    { name: "noSuchInstance", value: tlv(129), want: undefined },
    { name: "Null", value: tlv(5), want: undefined },
  ])("$name", async ({ value, want }) => {
    const client = await session(await device((request, send) => send(answer(request, [varbind(SYS_DESCR, value)]))));
    const got = await client.get([SYS_DESCR]);
    expect(got.ok && got.value[SYS_DESCR]).toEqual(want);
  });
});
