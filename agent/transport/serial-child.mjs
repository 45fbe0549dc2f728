// The process that holds the native serial binding, so that a hang or a crash in there costs a restart of this and not
// the agent. Plain JavaScript: stripping types would double its memory. It decides nothing: it opens, reads, writes and
// closes ports as it is told (messages: serial-wire.ts), and ends with the channel to its parent, however that died.
//
// - Before each call into the binding it says for which port (`at`), so that the parent knows which one hung it.
// - It reads no further ahead of the parent than WINDOW_BYTES of a port: a flooding port fills the kernel's buffer, not
//   this process or the channel.
// - The binding's blocking calls run in libuv's pool; the parent sizes that (UV_THREADPOOL_SIZE), so that some ports
//   that hang there leave threads for the others.
import { SerialPort } from "serialport";

const READ_BYTES = 4096;
const WINDOW_BYTES = 16_384;
/** Writes of one port that wait: the parent asks one question at a time. */
const WRITES_WAITING_MAX = 16;

const { binding } = SerialPort;
/** By id: { port, unread: bytes sent and not yet taken, reading, closing, writes, underway: calls of its bytes }. */
const ports = new Map();

const say = (message) => {
  if (process.connected) process.send(message, undefined, undefined, () => {});
};

/** A call into the binding, announced. */
async function call(id, run) {
  say({ say: "at", id });
  const pending = run();
  say({ say: "at", id: null });
  return await pending;
}

async function open({ id, options }) {
  const entry = { port: null, unread: 0, reading: false, closing: false, writes: 0, underway: new Set() };
  ports.set(id, entry);
  try {
    entry.port = await call(id, () => binding.open(options));
  } catch (error) {
    ports.delete(id);
    say({ say: "failed", id, detail: error.message });
    return;
  }
  if (entry.closing) {
    await close(id, entry);
    return;
  }
  say({ say: "opened", id });
  void read(id, entry);
}

async function read(id, entry) {
  if (entry.reading) return;
  entry.reading = true;
  try {
    while (!entry.closing && entry.unread < WINDOW_BYTES) {
      const { buffer, bytesRead } = await underway(
        entry,
        entry.port.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES),
      );
      if (entry.closing) return;
      entry.unread += bytesRead;
      say({ say: "data", id, bytes: buffer.subarray(0, bytesRead) });
    }
  } catch (error) {
    if (!entry.closing) {
      say({ say: "failed", id, detail: error.message });
      await close(id, entry);
    }
  } finally {
    entry.reading = false;
  }
}

async function write({ id, bytes }) {
  const entry = ports.get(id);
  if (entry === undefined || entry.port === null || entry.closing || entry.writes >= WRITES_WAITING_MAX) return;
  entry.writes++;
  try {
    // An answer to somebody else's question may wait in the port.
    await call(id, () => entry.port.flush());
    say({ say: "flushed", id });
    if (!entry.closing) await call(id, () => underway(entry, entry.port.write(Buffer.from(bytes))));
  } catch (error) {
    if (!entry.closing) {
      say({ say: "failed", id, detail: error.message });
      await close(id, entry);
    }
  } finally {
    entry.writes--;
  }
}

/** How long a read or write of a closed port may take to return. */
const RETURN_MS_MAX = 100;

function underway(entry, call) {
  const done = () => entry.underway.delete(call);
  entry.underway.add(call);
  call.then(done, done);
  return call;
}

async function close(id, entry) {
  entry.closing = true;
  // Still opening: `open` closes it when it is.
  if (entry.port === null) return;
  try {
    if (entry.port.isOpen) await call(id, () => entry.port.close());
  } catch {
    // It is gone either way.
  }
  // The kernel keeps the lock until a read or write that was in it has returned: the next to open would find it busy.
  await Promise.race([
    Promise.allSettled(entry.underway),
    new Promise((resolve) => setTimeout(resolve, RETURN_MS_MAX)),
  ]);
  if (ports.get(id) === entry) ports.delete(id);
  say({ say: "closed", id });
}

const DO = {
  open: (message) => void open(message),
  write: (message) => void write(message),
  took({ id, bytes }) {
    const entry = ports.get(id);
    if (entry === undefined) return;
    entry.unread -= bytes;
    if (entry.port !== null && !entry.closing) void read(id, entry);
  },
  close({ id }) {
    const entry = ports.get(id);
    if (entry === undefined) say({ say: "closed", id });
    else if (!entry.closing) void close(id, entry);
  },
  ping: () => say({ say: "pong" }),
};

// Ctrl-C and systemd mean the whole group: the parent ends us by the channel when it is done with the ports.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {});
process.on("message", (message) => DO[message.do]?.(message));
process.on("disconnect", () => process.exit(0));
if (!process.connected) process.exit(0);
