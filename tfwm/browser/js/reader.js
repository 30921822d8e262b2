// Reads the cells of a copy at any alignment, and finds the best offset: tfwm/marking/reader.py.

import { sideAt } from "./canvas.js";
import { cropped, mirrored, rotated, turned } from "./resample.js";

const SLOTS = 1024;
const WORKING_SIDE = 512;
const LOGIT_LIMIT = 4;
const LARGE_PATCH = 64 * 64;

// Which slot of the payload each cell carries: tfwm/marking/tiling.py.
export class Tiling {
  constructor({ bits, block }) {
    this.side = Math.max(Math.min(Math.floor(Math.sqrt(SLOTS / bits)), Math.floor(WORKING_SIDE / Math.max(...block))), 1);
    this.bits = bits;
    this.slots = this.side * this.side * bits;
  }

  // The message of a whole grid.
  layOut(bits, rows, columns) {
    const message = new Float32Array(rows * columns * this.bits);
    for (let i = 0; i < message.length; i++) {
      const cell = Math.floor(i / this.bits);
      message[i] = bits[this.slot(Math.floor(cell / columns), cell % columns, i % this.bits)];
    }
    return message;
  }

  // The logits { rows, columns, data } of all tiles, summed by slot.
  fold({ rows, columns, data }) {
    const votes = new Float32Array(this.slots);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        for (let bit = 0; bit < this.bits; bit++) {
          const logit = data[(row * columns + column) * this.bits + bit];
          votes[this.slot(row, column, bit)] += Math.min(Math.max(logit, -LOGIT_LIMIT), LOGIT_LIMIT);
        }
      }
    }
    return votes;
  }

  slot(row, column, bit) {
    return ((row % this.side) * this.side + (column % this.side)) * this.bits + bit;
  }

  // Votes as they are when the tiles start so many cells further on.
  rolled(votes, [down, across]) {
    const result = new Float32Array(this.slots);
    for (let row = 0; row < this.side; row++) {
      for (let column = 0; column < this.side; column++) {
        for (let bit = 0; bit < this.bits; bit++) {
          result[this.slot(row, column, bit)] = votes[this.slot(modulo(row + down, this.side), modulo(column + across, this.side), bit)];
        }
      }
    }
    return result;
  }
}

export const modulo = (n, period) => ((n % period) + period) % period;

// An alignment is { scale, rotation, turns, flipped, offset }, as in tfwm.marking.Alignment.
export const alignmentOf = (fields) => ({ scale: 1, rotation: 0, turns: 0, flipped: false, offset: null, ...fields });

export class Reader {
  constructor(network, canvas, codec) {
    this.network = network;
    this.canvas = canvas;
    this.codec = codec;
    this.trials = 0;
    this.tiling = new Tiling(network);
    this.pilots = this.pilotsIn(2 * this.tiling.side);
    this.scaled = { name: null };
  }

  // The places of the pilots in a grid so many cells wide, and their signs.
  pilotsIn(width) {
    const { side, bits } = this.tiling;
    const slots = this.codec.pilots;
    const places = slots.map((slot) => {
      const cell = Math.floor(slot / bits);
      return (Math.floor(cell / side) * width + (cell % side)) * bits + (slot % bits);
    });
    return { places: Int32Array.from(places), signs: Float64Array.from(slots, (slot) => this.codec.pilot[slot]) };
  }

  // Whether at least one patch of the network fits the copy at this scale.
  fits(scale) {
    const sides = [this.canvas.height, this.canvas.width].sort((a, b) => a - b);
    const patch = [...this.network.patch].sort((a, b) => a - b);
    return sides.every((side, i) => Math.trunc(side * scale + 1e-6) >= patch[i]);
  }

  // The votes at one alignment, offset included.
  async votes(alignment) {
    return (await this.read(alignment)).votes;
  }

  // The votes at one alignment, and the cells that gave them: a grid { rows, columns, data } of logits,
  // the plane it lies on, its corner there, and the shift to a tile's corner; null if no patch fits.
  async read(alignment) {
    this.trials++;
    const { plane, corner } = this.plane(alignment);
    const { patch, block } = this.network;
    const tile = alignment.offset ? alignment.offset.map((o, i) => o - corner[i]) : [0, 0];
    const phase = tile.map((t, i) => modulo(t, patch[i]));
    const room = [plane.height - phase[0], plane.width - phase[1]];
    if (room.some((r, i) => r < patch[i])) return { votes: new Float32Array(this.tiling.slots), cells: null };
    const shift = tile.map((t, i) => Math.floor((t - phase[i]) / block[i]));
    const logits = await this.logits(plane, phase, room);
    const cells = { ...logits, plane, corner: phase, shift };
    return { votes: this.tiling.rolled(this.tiling.fold(logits), shift), cells };
  }

  // An alignment with the offset of a copy that still has its top left corner.
  uncropped(alignment) {
    const sides = [this.canvas.height, this.canvas.width];
    return { ...alignment, offset: sides.map((side) => -Math.floor(sideAt(side, alignment.scale) / 2)) };
  }

  async score(alignment) {
    return this.codec.pilotScore(await this.votes(alignment));
  }

  // { score, alignment } of the offset with the highest pilot score.
  async scan(alignment, step, window = null, near = false) {
    let { plane, corner } = this.plane(alignment, window);
    const { patch, block } = this.network;
    let phases = patch.map((p) => Array.from({ length: Math.ceil(p / step) }, (_, i) => i * step));
    if (near) {
      phases = patch.map((p, i) => {
        const middle = alignment.offset[i] - corner[i];
        return [...new Set([-step, 0, step].map((d) => modulo(middle + d, p)))].sort((a, b) => a - b);
      });
    }
    if (patch[0] * patch[1] > LARGE_PATCH) plane = this.padded(plane, phases, window);
    let room = [plane.height - Math.max(...phases[0]), plane.width - Math.max(...phases[1])];
    if (room.some((r, i) => r < patch[i])) [phases, room] = [[[0], [0]], [plane.height, plane.width]];
    let best = { score: -Infinity };
    for (const y of phases[0]) {
      for (const x of phases[1]) {
        const folded = this.tiling.fold(await this.logits(plane, [y, x], room));
        const found = this.bestShift(folded);
        if (found.score > best.score) best = { ...found, position: [y, x] };
      }
    }
    const offset = corner.map((c, i) =>
      nearestZero(c + best.position[i] + best.shift[i] * block[i], block[i] * this.tiling.side));
    return { score: best.score, alignment: { ...alignment, offset } };
  }

  // The circular shift whose standardized correlation with the pilot is highest.
  bestShift(folded) {
    const { side, bits } = this.tiling;
    const { places, signs } = this.pilots;
    // Four tiles side by side: there, no shift leaves the grid.
    const wide = new Float32Array(4 * folded.length);
    for (let i = 0; i < wide.length; i++) {
      const cell = Math.floor(i / bits);
      wide[i] = folded[this.tiling.slot(Math.floor(cell / (2 * side)), cell % (2 * side), i % bits)];
    }
    this.trials += side * side;
    const best = { score: -Infinity, shift: [0, 0] };
    for (let down = 0; down < side; down++) {
      for (let across = 0; across < side; across++) {
        const start = (down * 2 * side + across) * bits;
        let product = 0;
        let energy = 0;
        for (let i = 0; i < places.length; i++) {
          const vote = wide[start + places[i]];
          product += vote * signs[i];
          energy += vote * vote;
        }
        const score = product / Math.sqrt(Math.max(energy, 1e-3));
        if (score > best.score) [best.score, best.shift] = [score, [down, across]];
      }
    }
    return best;
  }

  // The copy as an alignment puts it, and its top left pixel as seen from the center.
  plane(alignment, window = null) {
    const reach = window && alignment.rotation ? Math.trunc(1.3 * window) : window;
    let plane = this.atScale(alignment.scale, reach);
    if (alignment.flipped) plane = mirrored(plane);
    plane = turned(plane, alignment.turns);
    if (alignment.rotation) {
      plane = rotated(plane, alignment.rotation, 0.5);
      if (window) plane = centered(plane, window);
    }
    return { plane, corner: [-Math.floor(plane.height / 2), -Math.floor(plane.width / 2)] };
  }

  atScale(scale, window) {
    const name = `${scale} ${window}`;
    if (this.scaled.name !== name) this.scaled = { name, plane: this.canvas.scaled(scale, window) };
    return this.scaled.plane;
  }

  // A plane with its edges repeated, so that all views of large patches have one size.
  padded(plane, phases, window) {
    const sides = [plane.height, plane.width];
    const short = sides.map((side, i) => {
      const room = window ? Math.min(side, window - this.network.patch[i]) : side;
      return Math.max(room + Math.max(...phases[i]) - side, 0);
    });
    const [height, width] = sides.map((side, i) => side + short[i]);
    const data = new Float32Array(height * width);
    for (let i = 0; i < data.length; i++) {
      const row = Math.min(Math.floor(i / width), plane.height - 1);
      data[i] = plane.data[row * plane.width + Math.min(i % width, plane.width - 1)];
    }
    return { width, height, data };
  }

  // The logits of the view of `room` at a position, cut to whole patches.
  async logits(plane, [top, left], room) {
    const [height, width] = room.map((r, i) => r - (r % this.network.patch[i]));
    return this.network.extract(cropped(plane, left, top, width, height));
  }
}

const nearestZero = (position, period) => modulo(position + Math.floor(period / 2), period) - Math.floor(period / 2);

function centered(plane, window) {
  const start = (side) => Math.max(Math.floor(side / 2) - Math.floor(window / 2), 0);
  const [left, top] = [start(plane.width), start(plane.height)];
  return cropped(plane, left, top, Math.min(window, plane.width - left), Math.min(window, plane.height - top));
}
