/**
 * Watches the bytes of one MQTT connection before anything is buffered: aedes has no packet limit of its own, not even
 * before sign-in, and handles all packets of a read at once, so that a few thousand PINGREQs of two bytes each keep
 * everybody else waiting. Only the fixed header is read (MQTT 3.1.1 §2.2: one byte of type and flags, then one to four
 * bytes of remaining length, seven bits each, least significant first).
 */
export type LengthGuard = {
  /** Looks at the next bytes of the stream. The next call goes on behind `take`. */
  check(chunk: Uint8Array): Checked;
  /** How long a PUBLISH may be from now on; until sign-in it is as short as all else. */
  allow(publishBytesMax: number): void;
};

export type Checked = {
  /** Why the connection must end; null when all is well. */
  readonly complaint: string | null;
  /** How many of these bytes may be handled in this turn. */
  readonly take: number;
};

const PUBLISH = 3;

/** `bytesMax` holds for every packet but, after sign-in, PUBLISH; `packetsMax` for those that begin in one chunk. */
export function createLengthGuard(bytesMax: number, packetsMax: number = Number.POSITIVE_INFINITY): LengthGuard {
  let publishBytesMax = bytesMax;
  let type = 0;
  /** Bytes of the present packet's body still to come. */
  let body = 0;
  /** Where we are in a fixed header: 0 awaits the type, n awaits its nth length byte. */
  let position = 0;
  let length = 0;

  function lengthByte(byte: number): string | null {
    length += (byte & 0x7f) * 128 ** (position - 1);
    const limit = type === PUBLISH ? publishBytesMax : bytesMax;
    if (length > limit) return `a packet of more than ${limit} bytes`;
    if ((byte & 0x80) === 0) {
      body = length;
      position = 0;
    } else if (++position > 4) {
      return "a remaining length of more than four bytes";
    }
    return null;
  }

  return {
    allow(next) {
      publishBytesMax = next;
    },
    check(chunk) {
      let packets = 0;
      let at = 0;
      while (at < chunk.length) {
        if (body > 0) {
          const taken = Math.min(body, chunk.length - at);
          body -= taken;
          at += taken;
        } else if (position === 0) {
          if (packets === packetsMax) return { complaint: null, take: at };
          packets++;
          type = (chunk[at++] ?? 0) >> 4;
          position = 1;
          length = 0;
        } else {
          const complaint = lengthByte(chunk[at++] ?? 0);
          if (complaint !== null) return { complaint, take: 0 };
        }
      }
      return { complaint: null, take: at };
    },
  };
}
