// Secret keys and the fixed streams that follow from them: tfwm/keys.py.

import { blake2b } from "../hashes/blake2.js";
import { scrypt } from "../hashes/scrypt.js";
import { shake256 } from "../hashes/sha3.js";

const utf8 = (text) => new TextEncoder().encode(text);

const LABEL = utf8("tfwm payload 1");
const PUBLIC_ROOT = blake2b(utf8("tfwm payload 1 public key"), { dkLen: 32 });
const SCRYPT = { N: 2 ** 14, r: 8, p: 1, dkLen: 32, maxmem: 64 * 2 ** 20 };

export function joined(...parts) {
  const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let start = 0;
  for (const part of parts) {
    bytes.set(part, start);
    start += part.length;
  }
  return bytes;
}

export function unpackBits(bytes) {
  return Uint8Array.from({ length: 8 * bytes.length }, (_, i) => bytes[i >> 3] >> (7 - (i & 7)) & 1);
}

export class Key {
  // A text, or null for the public key, with which everybody can read and forge a mark.
  constructor(text = null) {
    if (text !== null && !(typeof text === "string" && text)) {
      throw new Error("Expected a key of at least one character. Received: an empty one");
    }
    if (text !== null && !text.isWellFormed()) {
      throw new Error("The key holds half a character: type it again.");
    }
    this.isPublic = text === null;
    this.root = this.isPublic ? PUBLIC_ROOT : scrypt(utf8(text.normalize("NFC")), LABEL, SCRYPT);
  }

  // Bytes, the same ones for the same purpose.
  stream(purpose, size) {
    const name = utf8(purpose);
    return shake256(joined(this.root, [name.length], name), { dkLen: size });
  }

  // The numbers 0 to size - 1 in a fixed order.
  permutation(purpose, size) {
    const view = new DataView(this.stream(purpose, 8 * size).buffer);
    const numbers = Array.from({ length: size }, (_, i) => view.getBigUint64(8 * i, true));
    const order = Array.from(numbers.keys());
    return order.sort((a, b) => (numbers[a] < numbers[b] ? -1 : numbers[a] > numbers[b] ? 1 : a - b));
  }

  bits(purpose, size) {
    return unpackBits(this.stream(purpose, Math.ceil(size / 8))).slice(0, size);
  }

  // The first bits of a message authentication code.
  tag(data, bits, purpose = "tag") {
    return unpackBits(blake2b(data, { key: this.stream(purpose, 32), dkLen: 8 })).slice(0, bits);
  }
}
