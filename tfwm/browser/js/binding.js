// Whether a mark was made for what the photo shows: tfwm/marking/binding.py.

import { agreementPValue, normalTail } from "./evidence.js";
import { Tiling, modulo } from "./reader.js";

const SURROUNDINGS = 11;
const REACH = Math.floor(SURROUNDINGS / 2);
const LEVELS = 255;
const THRESHOLD = 0.05;
const NOISE = 2.5;
const UNSURE = 5;
const BY_CHANCE = 0.01;
const LEAST_SHARE = 0.3;
const ENOUGH = 5;
const GAINS = [2, 4, 8];
const CLEAR = 1;
// The vertical and horizontal frequencies of the bits.
const FREQUENCIES = frequencies(16);
const WAVES = Array.from({ length: 8 }, (_, u) => {
  const wave = Array.from({ length: SURROUNDINGS }, (_, i) => Math.cos((Math.PI / SURROUNDINGS) * u * (i + 0.5)));
  const size = Math.hypot(...wave);
  return wave.map((x) => x / size);
});

function frequencies(count) {
  const pairs = [];
  for (let u = 0; u < 8; u++) for (let v = 0; v < 8; v++) if (u + v) pairs.push([u, v]);
  const order = ([u, v]) => [u + v, Math.abs(u - v), u, v];
  const compare = (a, b) => order(a).map((x, i) => x - order(b)[i]).find((x) => x) ?? 0;
  return pairs.sort(compare).slice(0, count);
}

// Whether marks of a network with a key are bound to their photos.
export const binds = (tiling, key) => !key.isPublic && tiling.bits === 1 && tiling.side === 32;

// The bits that a photo asks for in its bound cells: pairs of a cell's index in the grid and 0 or 1.
export function asked(codec, network, cells) {
  const seen = surroundings(network, cells);
  return boundCells(codec, network, cells).map(([place, number]) => {
    return [place, codec.boundBit(number, valueOf(exceeding(seen(place), 1)))];
  });
}

// { fits, pValue, share, deviations, most } of a mark, or null where nothing is seen.
export function bindingOf(codec, network, cells) {
  const view = viewOf(codec, network, cells);
  const found = bindingAt(codec, view, 1);
  if (!found || found.fits || found.plain) return found;
  for (const gain of GAINS) {
    const other = bindingAt(codec, view, gain);
    const pValue = Math.min(1, other.pValue * (1 + GAINS.length));
    const fits = decided(pValue, other.share, other.deviations);
    if (fits) return { ...other, pValue, fits };
  }
  return found;
}

// The bound cells of a reading and what is seen around them, the noise there, and how well its pilots agree.
function viewOf(codec, network, cells) {
  const seen = surroundings(network, cells);
  const cut = [...cells.corner, ...cells.shift].some(Boolean);
  const bound = boundCells(codec, network, cells).map(([place, number]) => {
    return { number, logit: clipped(cells.data[place]), seen: seen(place), outside: cut ? outside(cells, place) : 0 };
  });
  const noise = noiseOf(cells.plane) / Math.sqrt(network.block[0] * network.block[1]);
  return { bound, noise, reliability: pilotMean(codec, network, cells) };
}

// The same as bindingOf, at one contrast.
function bindingAt(codec, view, gain) {
  const noise = Math.hypot(NOISE, gain * view.noise);
  const entries = new Map();
  let expected = 0;
  for (const { number, logit, seen, outside } of view.bound) {
    for (const [value, chance] of likely(exceeding(seen, gain), noise, outside)) {
      const name = number * 65536 + value;
      const entry = entries.get(name) ?? { number, value, weight: 0, chance: 0 };
      entry.weight += chance * logit;
      entry.chance += chance;
      entries.set(name, entry);
      expected += chance ** 2;
    }
  }
  const found = [...entries.values()];
  if (!found.some((entry) => entry.weight) || view.reliability === null) return null;
  const agreement = found.map(({ number, value, weight }) => (codec.boundBit(number, value) ? weight : -weight));
  const size = (name) => Math.sqrt(found.reduce((sum, entry) => sum + entry[name] ** 2, 0));
  const most = expected / Math.max(size("chance"), 1e-9);
  expected *= Math.max(view.reliability, 1e-9);
  const pValue = Math.exp(agreementPValue(agreement));
  const share = agreement.reduce((sum, x) => sum + x, 0) / expected;
  const deviations = expected / size("weight");
  return { fits: decided(pValue, share, deviations), pValue, share, deviations, most, plain: most < ENOUGH };
}

function decided(pValue, share, deviations) {
  const [byChance, agrees] = [pValue > BY_CHANCE, share >= LEAST_SHARE];
  return agrees !== byChance && (agrees || deviations >= ENOUGH) ? agrees : null;
}

const clipped = (logit) => Math.min(Math.max(logit, -CLEAR), CLEAR);

// A function that tells the slot of a cell of the grid, whose tiles begin `shift` cells further on.
function slotsOf(network, { columns, shift }) {
  const tiling = new Tiling(network);
  return (place) => {
    const [row, column] = [Math.floor(place / columns) - shift[0], (place % columns) - shift[1]];
    return tiling.slot(modulo(row, tiling.side), modulo(column, tiling.side), 0);
  };
}

// Indices of the bound cells of a grid, and their numbers among the bound slots.
function boundCells(codec, network, cells) {
  const slot = slotsOf(network, cells);
  const numbers = new Map(codec.boundPlaces.map((slot, number) => [slot, number]));
  const found = [];
  for (let place = 0; place < cells.rows * cells.columns; place++) {
    const number = numbers.get(slot(place));
    if (number !== undefined) found.push([place, number]);
  }
  return found;
}

// The mean agreement of the pilots that are seen, or null.
function pilotMean(codec, network, cells) {
  const slot = slotsOf(network, cells);
  let [sum, count] = [0, 0];
  for (let place = 0; place < cells.rows * cells.columns; place++) {
    const agreement = codec.pilot[slot(place)] * clipped(cells.data[place]);
    sum += agreement;
    count += agreement !== 0;
  }
  return count ? sum / count : null;
}

// A function that tells what is seen around a cell: coefficients, and the threshold of its bits.
function surroundings({ block: [height, width] }, { plane, corner, rows, columns }) {
  const means = new Float64Array(rows * columns);
  for (let y = 0; y < rows * height; y++) {
    const start = (corner[0] + y) * plane.width + corner[1];
    const row = Math.floor(y / height) * columns;
    for (let x = 0; x < columns * width; x++) {
      means[row + Math.floor(x / width)] += (LEVELS * plane.data[start + x]) / (height * width);
    }
  }
  const within = (n, count) => Math.min(Math.max(n, 0), count - 1);
  return (place) => {
    const [row, column] = [Math.floor(place / columns), place % columns];
    const around = Array.from({ length: SURROUNDINGS }, (_, i) =>
      Array.from({ length: SURROUNDINGS }, (_, j) =>
        means[within(row + i - REACH, rows) * columns + within(column + j - REACH, columns)]));
    const across = around.map((line) => WAVES.map((wave) => wave.reduce((sum, x, j) => sum + x * line[j], 0)));
    const mean = around.flat().reduce((sum, x) => sum + x, 0) / SURROUNDINGS ** 2;
    const coefficients = FREQUENCIES.map(([u, v]) => WAVES[u].reduce((sum, x, i) => sum + x * across[i][v], 0));
    return { coefficients, threshold: THRESHOLD * mean };
  };
}

// How far each bit exceeds its threshold, at a contrast.
const exceeding = ({ coefficients, threshold }, gain) => coefficients.map((x) => gain * x - threshold);

const valueOf = (seen) => seen.reduce((value, x, i) => value + (x > 0 ? 1 << i : 0), 0);

// The likeliest values of what is seen around a cell, and their probabilities.
function likely(seen, noise, cut) {
  const size = Math.sqrt(seen.reduce((sum, x) => sum + x * x, 0) / seen.length);
  const doubt = seen.map((x) => normalTail(Math.abs(x) / (noise + cut * size)));
  const order = [...seen.keys()].sort((a, b) => doubt[b] - doubt[a]);
  const sure = order.slice(UNSURE).reduce((product, i) => product * (1 - doubt[i]), 1);
  let found = [[valueOf(seen), sure]];
  for (const i of order.slice(0, UNSURE)) {
    const kept = found.map(([value, chance]) => [value, chance * (1 - doubt[i])]);
    found = [...kept, ...found.map(([value, chance]) => [value ^ (1 << i), chance * doubt[i]])];
  }
  return found.filter(([value]) => value); // smooth places tell nothing
}

// The share of a cell's surroundings that lies outside of the grid.
function outside({ rows, columns }, place) {
  const inside = (n, count) => Math.min(n, REACH) + Math.min(count - 1 - n, REACH) + 1;
  const [row, column] = [Math.floor(place / columns), place % columns];
  return 1 - (inside(row, rows) * inside(column, columns)) / SURROUNDINGS ** 2;
}

// The deviation of white noise in a plane, in gray levels, by the median of its finest detail.
function noiseOf({ width, height, data }) {
  const fine = [];
  for (let y = 0; y + 1 < height; y += 2) {
    for (let x = 0; x + 1 < width; x += 2) {
      const i = y * width + x;
      fine.push(Math.abs(data[i] - data[i + 1] - data[i + width] + data[i + width + 1]) / 2);
    }
  }
  const sorted = Float64Array.from(fine).sort();
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
  return (LEVELS * median) / 0.6745;
}
