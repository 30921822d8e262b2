// A photo as the network sees it, and the change scaled back up: tfwm/marking/canvas.py.

import { cropped, resized } from "./resample.js";

export const WORKING_PIXELS = 512 * 768;
const BAND_PIXELS = 1 << 18;
// BT.601, as JPEG has it.
const WEIGHTS = [0.299, 0.587, 0.114].map(Math.fround);
const REACH = 2;

export const naturalScale = (height, width) => Math.min(1, Math.sqrt(WORKING_PIXELS / (height * width)));

// The side of a copy at a scale.
export const sideAt = (side, scale) => Math.max(Math.trunc(side * scale + 1e-6), 1);

// Photos are { width, height, pixels }, RGBA with 8 bits.
export class Canvas {
  constructor({ width, height, pixels }) {
    const data = new Uint8Array(width * height);
    for (let i = 0; i < data.length; i++) {
      const p = 4 * i;
      data[i] = (19595 * pixels[p] + 38470 * pixels[p + 1] + 7471 * pixels[p + 2] + 0x8000) >> 16;
    }
    this.width = width;
    this.height = height;
    this.plane = { width, height, data };
  }

  // The luminance in [0, 1] at a scale, or a window of it around the center.
  scaled(scale, window = null) {
    const [down, across] = [this.height, this.width].map((side) => {
      const count = sideAt(side, scale);
      const start = window ? Math.max(Math.floor(count / 2) - Math.floor(window / 2), 0) : 0;
      return [start, window ? Math.min(start + window, count) : count];
    });
    const [width, height] = [across[1] - across[0], down[1] - down[0]];
    const right = Math.min(across[1] / scale, this.width);
    const bottom = Math.min(down[1] / scale, this.height);
    const { data } =
      scale === 1
        ? cropped(this.plane, across[0], down[0], width, height)
        : resized(this.plane, width, height, [across[0] / scale, down[0] / scale, right, bottom]);
    const values = new Float32Array(data.length);
    for (let i = 0; i < values.length; i++) values[i] = data[i] / 255;
    return { width, height, data: values };
  }
}

const rint = (x) => {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
};

// Adds a residual at working size to the luminance of a photo; returns its pixels.
export function addResidual({ width, height, pixels }, residual, scale) {
  const rows = Math.min(Math.trunc(residual.height / scale + 1e-6), height);
  const columns = Math.min(Math.trunc(residual.width / scale + 1e-6), width);
  const marked = pixels.slice();
  const step = Math.max(Math.floor(BAND_PIXELS / columns), 1);
  for (let top = 0; top < rows; top += step) {
    const bottom = Math.min(top + step, rows);
    let change;
    if (scale === 1) {
      change = cropped(residual, 0, top, columns, bottom - top);
    } else {
      const right = Math.min(columns * scale, residual.width);
      const end = Math.min(bottom * scale, residual.height);
      change = resized(residual, columns, bottom - top, [0, top * scale, right, end]);
    }
    for (let y = top; y < bottom; y++) {
      for (let x = 0; x < columns; x++) {
        addLuminance(marked, 4 * (y * width + x), change.data[(y - top) * columns + x]);
      }
    }
  }
  return marked;
}

// R, G and B move by the same levels; where one cannot, the others move further.
function addLuminance(pixels, place, change) {
  const steps = rint(Math.fround(change * 255));
  const levels = [pixels[place], pixels[place + 1], pixels[place + 2]];
  if (Math.min(...levels) + steps >= 0 && Math.max(...levels) + steps <= 255) {
    for (let c = 0; c < 3; c++) pixels[place + c] = levels[c] + steps;
    return;
  }
  const inside = movedInside(levels.map((level) => Math.fround(level / 255)), change);
  for (let c = 0; c < 3; c++) pixels[place + c] = rint(Math.fround(inside[c] * 255));
}

const f = Math.fround;
// Each product is added before it is rounded, as NumPy does it.
const luminance = (color) => f(f(f(color[0] * WEIGHTS[0]) + color[1] * WEIGHTS[1]) + color[2] * WEIGHTS[2]);

function movedInside(start, change) {
  const reach = f(REACH * Math.abs(change));
  const low = start.map((x) => Math.max(f(x - reach), 0));
  const high = start.map((x) => Math.min(f(x + reach), 1));
  const clipped = (x, c) => Math.min(Math.max(x, low[c]), high[c]);
  const goal = f(luminance(start) + change);
  let marked = start.map((x, c) => clipped(f(x + change), c));
  for (let round = 0; round < 2; round++) {
    const missing = f(goal - luminance(marked));
    const free = marked.map((x, c) => ((missing > 0 ? x < high[c] : x > low[c]) ? 1 : 0));
    const share = f(missing / Math.max(luminance(free), f(1e-6)));
    marked = marked.map((x, c) => clipped(f(x + f(free[c] * share)), c));
  }
  return marked;
}

// In dB over R, G and B; Infinity for no change.
export function psnr(cover, marked) {
  let total = 0;
  for (let i = 0; i < cover.length; i++) {
    if (i % 4 !== 3) total += (cover[i] - marked[i]) ** 2;
  }
  return 10 * Math.log10((255 ** 2 * 0.75 * cover.length) / total);
}
