// The bits of one message before error correction: tfwm/payload/frame.py and message.py.

import { joined, unpackBits } from "./keys.js";

// The order is part of the format.
const KINDS = ["text", "bytes", "int", "uuid", "signature"];
const ORDINARY = KINDS.slice(0, 4);

export class Frame {
  constructor(size, smallest, tagBits, kinds = ORDINARY) {
    this.size = size;
    this.smallest = smallest;
    this.tagBits = tagBits;
    this.kinds = kinds;
    this.paddingBits = Math.ceil(Math.log2(size - smallest + 1));
    this.headerBits = Math.ceil(Math.log2(kinds.length)) + this.paddingBits;
    this.bits = this.headerBits + 8 * size + tagBits;
  }

  pack(kind, data, key, bound = false) {
    const padding = this.size - data.length;
    const header = this.kinds.indexOf(kind) << this.paddingBits | padding;
    const bits = Uint8Array.from({ length: this.headerBits }, (_, i) => header >> (this.headerBits - 1 - i) & 1);
    return joined(bits, unpackBits(joined(data, new Uint8Array(padding))), this.tag(kind, data, key, bound));
  }

  // { message, kind, data }, or null if the tag or anything else is wrong.
  unpack(bits, key, bound = false) {
    const header = bits.slice(0, this.headerBits).reduce((number, bit) => 2 * number + bit, 0);
    const kind = this.kinds[header >> this.paddingBits];
    const length = this.size - (header & (1 << this.paddingBits) - 1);
    const body = Uint8Array.from({ length: this.size }, (_, i) => {
      const start = this.headerBits + 8 * i;
      return bits.slice(start, start + 8).reduce((number, bit) => 2 * number + bit, 0);
    });
    if (length < this.smallest || body.slice(length).some(Boolean)) return null;
    const data = body.slice(0, length);
    const tag = this.tag(kind, data, key, bound);
    if (tag.some((bit, i) => bit !== bits[this.bits - this.tagBits + i])) return null;
    const message = fromBytes(kind, data);
    return message === null ? null : { message, kind, data };
  }

  // Another tag says that the mark is bound to its photo.
  tag(kind, data, key, bound) {
    const head = [this.size, KINDS.indexOf(kind), data.length];
    return key.tag(joined(head, data), this.tagBits, bound ? "bound tag" : "tag");
  }
}

const hex = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");

// A message as the command prints it: bytes as hexadecimal digits, a UUID and a number as text.
function fromBytes(kind, data) {
  const digits = hex(data);
  if (kind === "bytes" || kind === "signature") return digits;
  if (kind === "int") return data.length === 1 || data[0] ? BigInt(`0x${digits}`).toString() : null;
  if (kind === "uuid") {
    return data.length === 16 ? digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-") : null;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return null;
  }
}
