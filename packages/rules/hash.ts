/**
 * A content hash for versions of rules: 64 bits as 16 hex digits. It names a text among the few thousand that one
 * installation ever sees and guards against nobody, so it need not be cryptographic (and node:crypto is out of reach of
 * pure code). Two FNV-1a runs of 32 bits with different offsets, over UTF-16 units, each finished as MurmurHash3 does.
 */
export function contentHash(text: string): string {
  return (
    hash32(text, 0x811c9dc5).toString(16).padStart(8, "0") + hash32(text, 0x1b873593).toString(16).padStart(8, "0")
  );
}

function hash32(text: string, offset: number): number {
  let hash = offset;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
