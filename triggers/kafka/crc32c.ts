/*
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), which Kafka puts over a record batch; node:zlib has another polynomial. Eight
 * bytes at a time ("slicing by 8"): at one byte at a time it would cost as much as decoding the records.
 */

const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;

/** `TABLES[256 * k + b]`: what byte b does to the remainder k bytes later. Signed, as the engine's 32-bit numbers are. */
const TABLES = tables();

function tables(): Int32Array {
  const all = new Int32Array(SLICES * 256);
  for (let byte = 0; byte < 256; byte++) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
    all[byte] = remainder;
  }
  for (let at = 256; at < all.length; at++) {
    const before = all[at - 256] ?? 0;
    all[at] = (before >>> 8) ^ (all[before & 0xff] ?? 0);
  }
  return all;
}

export function crc32c(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let crc = -1;
  let at = 0;
  for (const whole = bytes.length - (bytes.length % SLICES); at < whole; at += SLICES) {
    const low = crc ^ view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    crc =
      look(7, low) ^
      look(6, low >>> 8) ^
      look(5, low >>> 16) ^
      look(4, low >>> 24) ^
      look(3, high) ^
      look(2, high >>> 8) ^
      look(1, high >>> 16) ^
      look(0, high >>> 24);
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ look(0, crc ^ (bytes[at] ?? 0));
  return ~crc >>> 0;
}

function look(slice: number, byte: number): number {
  return TABLES[slice * 256 + (byte & 0xff)] ?? 0;
}
