/**
 * Watches the bytes of one MQTT connection for packets that are longer than allowed, before anything is buffered:
 * aedes has no packet limit of its own, not even before sign-in. Only the fixed header is read (MQTT 3.1.1 §2.2: one
 * byte of type and flags, then one to four bytes of remaining length, seven bits each, least significant first).
 */
export type LengthGuard = {
  /** Looks at the next bytes of the stream; a text when the connection must end, null when all is well. */
  check(chunk: Uint8Array): string | null;
  /** How long a packet may be from now on; until sign-in it is little. */
  allow(bytesMax: number): void;
};

export function createLengthGuard(bytesMax: number): LengthGuard {
  let limit = bytesMax;
  /** Bytes of the present packet's body still to come. */
  let body = 0;
  /** Where we are in a fixed header: 0 awaits the type, n awaits its nth length byte. */
  let position = 0;
  let length = 0;
  return {
    allow(next) {
      limit = next;
    },
    check(chunk) {
      let at = 0;
      while (at < chunk.length) {
        if (body > 0) {
          const taken = Math.min(body, chunk.length - at);
          body -= taken;
          at += taken;
          continue;
        }
        const byte = chunk[at++] ?? 0;
        if (position === 0) {
          position = 1;
          length = 0;
          continue;
        }
        length += (byte & 0x7f) * 128 ** (position - 1);
        if (length > limit) return `a packet of more than ${limit} bytes`;
        if ((byte & 0x80) === 0) {
          body = length;
          position = 0;
        } else if (++position > 4) {
          return "a remaining length of more than four bytes";
        }
      }
      return null;
    },
  };
}
