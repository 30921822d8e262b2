// Messages into photos and out of them: tfwm/watermarker.py.

import { asked, binds } from "./binding.js";
import { Canvas, addResidual, naturalScale, psnr } from "./canvas.js";
import { Codec } from "./codec.js";
import { Judge } from "./judge.js";
import { Key } from "./keys.js";
import { Reader, Tiling, alignmentOf } from "./reader.js";
import { cropped } from "./resample.js";
import { candidates, hint } from "./search.js";

const FALSE_POSITIVE_RATE = 1e-6;
const STRENGTH_STEP = 1.25;
const LARGEST_STRENGTH = 2.5;
const MARGIN = 2;

export class Watermarker {
  // `network` is a Network of runtime.js.
  constructor(network) {
    this.network = network;
    this.tiling = new Tiling(network);
  }

  codec(key = null) {
    if (this.known?.key !== key) this.known = { key, codec: new Codec(this.tiling.slots, new Key(key)) };
    return this.known.codec;
  }

  // Whether marks are bound to their photo.
  binds(codec) {
    return binds(this.network, this.tiling, codec.key);
  }

  // Reads a photo { width, height, pixels } as `tfwm extract` does.
  async extract(photo, { key = null, search = "rotate", falsePositiveRate = FALSE_POSITIVE_RATE, progress } = {}) {
    const codec = this.codec(key);
    const judge = new Judge(codec, falsePositiveRate, this.binds(codec) ? this.network : null);
    const reader = new Reader(this.network, new Canvas(photo), codec);
    for await (const { stage, alignment } of candidates(reader, search, progress)) {
      const { votes, cells } = await reader.read(alignment);
      judge.add(stage, alignment, votes, reader.trials, cells);
      if (judge.decoded) break;
    }
    const { votes, ...found } = judge.extraction();
    let { decision, reason } = found;
    if (found.message === null) reason += hint(search);
    if (found.kind === "signature") {
      [decision, reason] = ["uncertain", "a signature was read: tfwm extract --public-key tells whose, and of what"];
    }
    return { ...found, decision, reason, signpost: votes && codec.signpost ? codec.signpost.host(votes) : null };
  }

  // The votes of a photo as it is.
  async readVotes(photo) {
    const canvas = new Canvas(photo);
    const scale = naturalScale(canvas.height, canvas.width);
    return new Reader(this.network, canvas, this.codec()).votes(alignmentOf({ scale }));
  }

  // Marks a photo with a text until it reads with room to spare, as `tfwm embed` does.
  async embed(photo, message, { key = null, strength = 1, name = "the photo" } = {}) {
    if (!message.isWellFormed()) throw new Error("The message holds half a character: type it again.");
    const data = new TextEncoder().encode(message);
    if (!data.length) throw new Error("Expected a message of at least one character. Received: none");
    const codec = this.codec(key);
    const bound = this.binds(codec);
    const bits = codec.encode("text", data, bound);
    const { residual, scale } = await this.residual(photo, bits, name, bound ? codec : null);
    const largest = LARGEST_STRENGTH * strength;
    let reason;
    for (let tried = strength; tried <= largest; tried *= STRENGTH_STEP) {
      const factor = Math.fround(tried);
      const change = { ...residual, data: residual.data.map((x) => x * factor) };
      const marked = { ...photo, pixels: addResidual(photo, change, scale) };
      const quality = psnr(photo.pixels, marked.pixels);
      const votes = await this.readVotes(marked);
      const margin = codec.margin(votes, "text", data, bound);
      const fits = codec.decode(votes)?.message === message;
      if (fits && margin >= MARGIN) return { marked, strength: tried, psnr: quality, margin };
      reason = whyNot(fits, tried, quality, margin);
    }
    throw new Error(`${name} was not marked: ${reason}.`);
  }

  // The change at working size and strength 1, and the factor to that size; a codec binds it to the photo.
  async residual(photo, bits, name, codec) {
    const canvas = new Canvas(photo);
    const scale = naturalScale(canvas.height, canvas.width);
    const whole = canvas.scaled(scale);
    const [rows, columns] = this.network.patch;
    const [height, width] = [whole.height - (whole.height % rows), whole.width - (whole.width % columns)];
    if (!height || !width) {
      throw new Error(
        `${name} has ${photo.width} x ${photo.height} pixels: expected at least ` +
          `${columns} x ${rows} at the size for marking; take a larger photo.`,
      );
    }
    const before = cropped(whole, 0, 0, width, height);
    const grid = [height / this.network.block[0], width / this.network.block[1]];
    const message = this.tiling.layOut(bits, ...grid);
    if (codec) {
      const cells = { plane: before, corner: [0, 0], shift: [0, 0], rows: grid[0], columns: grid[1] };
      for (const [place, bit] of asked(codec, this.network, cells)) message[place] = bit;
    }
    const after = await this.network.embed(before, message, grid);
    const data = before.data.map((x, i) => after[i] - x);
    return { residual: { width, height, data }, scale };
  }
}

function whyNot(fits, strength, quality, margin) {
  const start = `at strength ${strength.toPrecision(3)}`;
  if (quality === Infinity) return `${start} not one pixel changes: is the photo black or white all over?`;
  if (!fits) {
    return `${start} the message does not read back (the photo is too small or too flat): shorten it or take a larger photo`;
  }
  return (
    `${start} (${quality.toFixed(1)} dB) the message is read with ${(Math.floor(10 * margin) / 10).toFixed(1)} times ` +
    `the signal that it needs, but ${MARGIN} times are wanted: shorten the message, or take a larger photo`
  );
}
