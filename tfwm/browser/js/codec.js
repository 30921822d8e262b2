// Messages into the bits of all slots, and votes back into messages: tfwm/payload/codec.py.

import { Code, ITERATIONS } from "./code.js";
import { messagePValue, normalPValue, pilotScore } from "./evidence.js";
import { Frame } from "./frame.js";
import { Key } from "./keys.js";
import { llrScale, neededSnr, snr, snrRange } from "./signal.js";

// All of this is part of the format of marked photos.
const SIZES = [4, 8, 16, 24, 32, 48, 64];
const SMALL_SIZES = [2, 4, 7, 11];
const PILOT_SLOTS = 192;
const TAG_BITS = [32, 24, 16];
const COMFORTABLE_RATE = 0.72;
const HIGHEST_RATE = 0.77;
const SIGNATURE_BYTES = 72;
const [SIGNATURE_TAG_BITS, SIGNATURE_RATE] = [16, 0.78];
const SHARED_SLOTS = 512;
const SIGNPOST_SHARE = [3, 8];
const BOUND_SLOTS = 96;
const CONTENT_BITS = 16;

const SIGNPOST_SCORE = 4;
const HOPELESS = 0.5;
const QUICK_ITERATIONS = 12;

const HOST = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$/;
const ALPHABET = " abcdefghijklmnopqrstuvwxyz0123456789-.:";

const codes = new Map();
const signposts = new Map();

function made(store, name, make) {
  if (!store.has(name)) store.set(name, make());
  return store.get(name);
}

export class Codec {
  constructor(slots, key = new Key(), shared = slots >= SHARED_SLOTS) {
    this.slots = slots;
    this.key = key;
    this.frames = framesOf(slots, key.isPublic);
    this.signpost = shared ? made(signposts, slots, () => new SignpostCodec(slots)) : null;
    const pilots = pilotCount(slots);
    const order = key.permutation(`places ${slots}`, slots);
    this.pilots = order.slice(0, pilots);
    this.places = order.slice(pilots);
    this.pilot = new Float32Array(slots);
    this.pilots.forEach((slot, i) => (this.pilot[slot] = i < pilots / 2 ? 1 : -1));
    this.whitening = key.bits(`whitening ${slots}`, this.places.length);
    this.boundPlaces = this.signpost && !key.isPublic ? this.bindable() : [];
  }

  // The slots whose signs follow from the photo, in marks that are bound to it.
  bindable() {
    const taken = new Set([...this.pilots, ...this.signpost.places]);
    const order = Array.from(this.key.permutation(`bound ${this.slots}`, this.slots));
    return order.filter((slot) => !taken.has(slot)).slice(0, BOUND_SLOTS);
  }

  // The bit that the key gives to a bound slot where what is seen has a certain value.
  boundBit(number, value) {
    this.table ??= this.key.stream("bound", BOUND_SLOTS << (CONTENT_BITS - 3));
    const entry = number * 2 ** CONTENT_BITS + value;
    return this.table[entry >> 3] >> (entry & 7) & 1;
  }

  // Votes without those of the slots whose signs follow from the photo.
  unbound(votes) {
    const rest = Float64Array.from(votes);
    for (const slot of this.boundPlaces) rest[slot] = 0;
    return rest;
  }

  get maxBytes() {
    return Math.max(...this.frames.filter((each) => each.kinds.includes("bytes")).map((each) => each.size));
  }

  // The bits of all slots.
  encode(kind, data, bound = false) {
    const frame = this.frame(kind, data.length);
    const bits = Uint8Array.from(this.pilot, (sign) => (sign > 0 ? 1 : 0));
    const word = this.code(frame).encode(frame.pack(kind, data, this.key, bound));
    this.places.forEach((slot, i) => (bits[slot] = word[i] ^ this.whitening[i]));
    return bits;
  }

  // { message, kind, data, correctedErrors, tagPValue, bound }, or null if no tag fits.
  decode(votes, thorough = true) {
    votes = this.counted(votes);
    const tried = { tags: 0 };
    for (const bound of this.boundPlaces.length ? [true, false] : [false]) {
      const found = this.decodeAs(bound, bound ? this.unbound(votes) : votes, thorough, tried);
      if (found) return found;
    }
    return null;
  }

  // The message of one format.
  decodeAs(bound, votes, thorough, tried) {
    let signed = Float64Array.from(this.places, (slot, i) => votes[slot] * (1 - 2 * this.whitening[i]));
    const seen = signed.filter((x) => x !== 0);
    if (!seen.length) return null;
    const size = Math.sqrt(seen.reduce((sum, x) => sum + x * x, 0) / seen.length);
    signed = signed.map((x) => x / size);
    for (const [frame, result] of this.results(votes, signed, thorough)) {
      if (!result.converged) continue;
      tried.tags++;
      const found = frame.unpack(result.bits, this.key, bound);
      if (!found) continue;
      const word = this.code(frame).encode(result.bits);
      const agreement = signed.map((x, i) => x * (2 * word[i] - 1));
      return {
        ...found,
        bound,
        correctedErrors: agreement.filter((x) => x < 0).length,
        tagPValue: messagePValue(agreement, frame.bits - frame.tagBits, frame.tagBits, tried.tags),
      };
    }
    return null;
  }

  pilotScore(votes) {
    votes = this.counted(votes);
    return pilotScore(this.pilots.map((slot) => this.pilot[slot]), this.pilots.map((slot) => votes[slot]));
  }

  pValue(score, trials = 1) {
    return this.pilots.length ? normalPValue(score, trials) : 1;
  }

  // The signs that a message gives to the slots it was read from, 0 elsewhere.
  knownSigns(votes, kind, data, bound = false) {
    votes = this.counted(votes);
    if (bound) votes = this.unbound(votes);
    const bits = this.encode(kind, data, bound);
    return Float64Array.from(votes, (x, i) => (x === 0 ? 0 : 2 * bits[i] - 1));
  }

  // How far the reading of a known message is from failing; above 1 it reads.
  margin(votes, kind, data, bound = false) {
    const signs = this.knownSigns(votes, kind, data, bound);
    const frame = this.frame(kind, data.length);
    const seen = this.places.filter((slot) => signs[slot] !== 0).length;
    if (seen <= frame.bits) return 0;
    return snr(Float64Array.from(votes, (x, i) => x * signs[i])) / neededSnr(frame.bits, seen);
  }

  frame(kind, size) {
    const frame = this.frames.find((each) => size <= each.size && each.kinds.includes(kind));
    if (frame) return frame;
    throw new Error(`The message takes ${size} bytes, but at most ${this.maxBytes} bytes fit: shorten it.`);
  }

  // Frames and what their codes read, the cheapest tries first.
  *results(votes, signed, thorough) {
    const pilots = this.pilots.map((slot) => this.pilot[slot] * votes[slot]);
    const share = signed.filter((x) => x !== 0).length / signed.length;
    const [lowest, highest] = snrRange(pilots, share);
    const likely = [];
    for (const frame of this.frames) {
      const needed = neededSnr(frame.bits, signed.length);
      if (highest > HOPELESS * needed) {
        const scale = llrScale(pilots, needed);
        likely.push({ frame, needed, llr: signed.map((x) => scale * x) });
      }
    }
    for (const iterations of [QUICK_ITERATIONS, ITERATIONS]) {
      for (const each of likely) {
        each.result = this.code(each.frame).decode(each.llr, iterations);
        yield [each.frame, each.result];
      }
    }
    for (const { frame, needed, llr, result } of likely) {
      if (!thorough || lowest >= needed) continue;
      for (const guess of this.code(frame).guesses(llr, result.llr)) yield [frame, guess];
    }
  }

  code(frame) {
    const length = this.places.length;
    return made(codes, `${frame.bits} ${length}`, () => new Code(frame.bits, length));
  }

  // Votes without those that a signpost took.
  counted(votes) {
    return this.signpost ? this.signpost.without(votes) : votes;
  }
}

// Three in eight slots, which may tell everybody whom to ask about the photo.
export class SignpostCodec {
  constructor(slots) {
    const key = new Key();
    const [share, of] = SIGNPOST_SHARE;
    const order = key.permutation(`signpost ${slots}`, slots);
    this.places = order.slice(0, Math.floor((slots * share) / of)).sort((a, b) => a - b);
    this.codec = new Codec(this.places.length, key, false);
  }

  without(votes) {
    if (this.pilotScore(votes) < SIGNPOST_SCORE || !this.decode(votes, false)) return votes;
    const rest = Float64Array.from(votes);
    for (const slot of this.places) rest[slot] = 0;
    return rest;
  }

  // The name of the host, or null.
  host(votes) {
    const found = this.pilotScore(votes) < SIGNPOST_SCORE ? null : this.decode(votes);
    return found && unpackName(found.data);
  }

  decode(votes, thorough = true) {
    return this.codec.decode(this.places.map((slot) => votes[slot]), thorough);
  }

  pilotScore(votes) {
    return this.codec.pilotScore(this.places.map((slot) => votes[slot]));
  }
}

function unpackName(data) {
  let text = "";
  for (let i = 0; i + 1 < data.length; i += 2) {
    const number = 256 * data[i] + data[i + 1];
    if (number >= 40 ** 3) return null;
    text += [1600, 40, 1].map((power) => ALPHABET[Math.floor(number / power) % 40]).join("");
  }
  text = text.replace(/ +$/, "");
  return data.length % 2 === 0 && HOST.test(text) ? text : null;
}

const pilotCount = (slots) => (slots >= PILOT_SLOTS ? Math.floor(slots / 8) * 2 : 0);

function framesOf(slots, isPublic) {
  const length = slots - pilotCount(slots);
  const frames = [];
  let smallest = 1;
  for (const size of slots >= PILOT_SLOTS ? SIZES : SMALL_SIZES) {
    const fitting = TAG_BITS.map((bits) => new Frame(size, smallest, bits)).find((frame) => {
      const rate = frame.tagBits === TAG_BITS.at(-1) ? HIGHEST_RATE : COMFORTABLE_RATE;
      return frame.bits <= rate * length;
    });
    if (fitting) frames.push(fitting);
    smallest = size + 1;
  }
  const signed = new Frame(SIGNATURE_BYTES, SIGNATURE_BYTES, SIGNATURE_TAG_BITS, ["signature"]);
  if (isPublic && signed.bits <= SIGNATURE_RATE * length) frames.push(signed);
  return frames;
}
