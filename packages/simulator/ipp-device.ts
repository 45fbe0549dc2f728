/**
 * A print queue that speaks IPP over HTTP (RFC 8010, 8011), as much of it as asks for its state: Get-Printer-Attributes
 * and Get-Jobs. It sends every attribute that it has, whatever was asked for, as many printers do, and refuses every other
 * operation.
 */
import { createServer, type Server, type ServerResponse } from "node:http";
import { type Clock, err, errorText, ok, type Result } from "@aislewatch/base";

export type QueueJob = {
  readonly id: number;
  readonly state: number;
  readonly createdAtMs: number;
  readonly name: string;
};

export type QueueState = {
  /** 3 idle, 4 processing, 5 stopped. */
  readonly state: 3 | 4 | 5;
  readonly reasons: readonly string[];
  readonly accepting: boolean;
  readonly jobs: readonly QueueJob[];
};

export const IDLE_QUEUE: QueueState = { state: 3, reasons: ["none"], accepting: true, jobs: [] };

export type IppQueueOptions = {
  readonly address: string;
  readonly port: number;
  readonly path: string;
  readonly clock: Clock;
  /** The only version that is known; any unless given. */
  readonly version?: "1.1" | "2.0";
};

export type IppQueue = {
  readonly port: number;
  /** Operations that were asked for, in order. */
  readonly asked: readonly number[];
  set(state: Partial<QueueState>): void;
  stop(): Promise<void>;
};

const OPERATIONS = { getJobs: 0x0a, getPrinterAttributes: 0x0b } as const;
const STATUS = { ok: 0, versionNotSupported: 0x0503, operationNotSupported: 0x0501 } as const;
const TAGS = { operation: 1, job: 2, end: 3, printer: 4, integer: 0x21, boolean: 0x22, enum: 0x23 } as const;
const TEXTS = { text: 0x41, name: 0x42, keyword: 0x44, charset: 0x47, language: 0x48 } as const;
/** What a question is at most. */
const BODY_BYTES_MAX = 16_384;
const ASKED_MAX = 1_000;

export async function startIppQueue(options: IppQueueOptions): Promise<Result<IppQueue, { readonly detail: string }>> {
  let state = IDLE_QUEUE;
  const asked: number[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) request.destroy();
      else chunks.push(chunk);
    });
    request.on("end", () => {
      if (request.method !== "POST" || request.url !== options.path) {
        response.writeHead(404).end();
        return;
      }
      const body = Buffer.concat(chunks);
      if (body.length >= 4 && asked.length < ASKED_MAX) asked.push(body.readUInt16BE(2));
      reply(response, answer(body, state, options));
    });
  });
  try {
    await listen(server, options);
  } catch (thrown) {
    return err({ detail: errorText(thrown) });
  }
  const bound = server.address();
  return ok({
    port: typeof bound === "object" && bound !== null ? bound.port : options.port,
    asked,
    set(change) {
      state = { ...state, ...change };
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

const listen = (server: Server, { port, address }: IppQueueOptions): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, resolve);
  });

const reply = (response: ServerResponse, body: Buffer): void => {
  response.writeHead(200, { "content-type": "application/ipp" }).end(body);
};

function answer(question: Buffer, state: QueueState, { version, clock }: IppQueueOptions): Buffer {
  if (question.length < 8) return Buffer.alloc(0);
  const asked = `${question[0]}.${question[1]}`;
  const operation = question.readUInt16BE(2);
  const head = (status: number): Buffer => {
    const start = Buffer.from(question.subarray(0, 8));
    start.writeUInt16BE(status, 2);
    const texts = [
      text(TEXTS.charset, "attributes-charset", "utf-8"),
      text(TEXTS.language, "attributes-natural-language", "en"),
    ];
    return Buffer.concat([start, Buffer.of(TAGS.operation), ...texts]);
  };
  const end = Buffer.of(TAGS.end);
  if (version !== undefined && asked !== version) return Buffer.concat([head(STATUS.versionNotSupported), end]);
  const nowSeconds = Math.floor(clock.now() / 1_000);
  if (operation === OPERATIONS.getPrinterAttributes) {
    return Buffer.concat([head(STATUS.ok), Buffer.of(TAGS.printer), printerAttributes(state, nowSeconds), end]);
  }
  if (operation === OPERATIONS.getJobs) {
    const jobs = state.jobs.map((job) => Buffer.concat([Buffer.of(TAGS.job), jobAttributes(job, nowSeconds)]));
    return Buffer.concat([head(STATUS.ok), ...jobs, end]);
  }
  return Buffer.concat([head(STATUS.operationNotSupported), end]);
}

const printerAttributes = (state: QueueState, nowSeconds: number): Buffer =>
  Buffer.concat([
    text(TEXTS.name, "printer-name", "receipts"),
    text(TEXTS.text, "printer-make-and-model", "Epson TM-T20II"),
    text(TEXTS.text, "printer-device-id", "MFG:EPSON;CMD:ESC/POS;MDL:TM-T20II;CLS:PRINTER;SN:TEST000001;"),
    number(TAGS.enum, "printer-state", state.state),
    ...state.reasons.map((reason, n) => text(TEXTS.keyword, n === 0 ? "printer-state-reasons" : "", reason)),
    attribute(TAGS.boolean, "printer-is-accepting-jobs", Buffer.of(state.accepting ? 1 : 0)),
    number(TAGS.integer, "queued-job-count", state.jobs.length),
    number(TAGS.integer, "printer-up-time", nowSeconds),
  ]);

const jobAttributes = (job: QueueJob, nowSeconds: number): Buffer =>
  Buffer.concat([
    number(TAGS.integer, "job-id", job.id),
    text(TEXTS.name, "job-name", job.name),
    text(TEXTS.name, "job-originating-user-name", "cashier"),
    number(TAGS.enum, "job-state", job.state),
    number(TAGS.integer, "time-at-creation", Math.floor(job.createdAtMs / 1_000)),
    number(TAGS.integer, "job-printer-up-time", nowSeconds),
  ]);

const text = (tag: number, name: string, value: string): Buffer => attribute(tag, name, Buffer.from(value));

function number(tag: number, name: string, value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeInt32BE(value);
  return attribute(tag, name, octets);
}

function attribute(tag: number, name: string, value: Buffer): Buffer {
  const octets = Buffer.from(name);
  const head = Buffer.alloc(3);
  head.writeUInt8(tag);
  head.writeUInt16BE(octets.length, 1);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(value.length);
  return Buffer.concat([head, octets, length, value]);
}
