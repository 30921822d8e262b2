// Whether a mark was made for what the photo shows: tfwm/marking/binding.py.

import { agreementPValue, normalTail } from "./evidence.js";
import { Tiling, modulo } from "./reader.js";

const FINE_CELL = 8;
const SHARED_SLOTS = 512;
const SURROUNDINGS = 11;
const REACH = Math.floor(SURROUNDINGS / 2);
const LEVELS = 255;
const THRESHOLD = 0.05;
const NOISE = 2.5;
const DETAILS = [0.125, 0.3];
const UNSURE = 5;
const LEAST_CHANCE = 1e-5;
const BY_CHANCE = 0.01;
const LEAST_SHARE = 0.3;
const ENOUGH = 5;
const GAINS = [1, 2, 4, 8, 0.5, 0.25];
const LOST = 0.3;
const NEAR = 2;
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
export const binds = ({ block }, { slots }, key) => {
  return !key.isPublic && Math.max(...block) <= FINE_CELL && slots >= SHARED_SLOTS;
};

// The bits that a photo asks for: pairs of a bound bit's index in the grid's bits and 0 or 1.
export function asked(codec, network, cells) {
  const seen = surroundings(network, cells);
  return boundPlaces(codec, network, cells).map(([place, number]) => {
    return [place, codec.boundBit(number, valueOf(exceeding(seen(cellOf(network, place)), 1)))];
  });
}

// { fits, pValue, share, deviations, most, left } of a mark, or null where nothing is seen. Signs that are
// known from a message, else 0, tell where the mark is gone: the pilots are too few for that.
export function bindingOf(codec, network, cells, signs = new Float64Array(codec.pilot.length)) {
  const view = viewOf(codec, network, cells, signs);
  const found = bindingAt(codec, view);
  if (!found || found.fits || found.plain) return found;
  const tries = DETAILS.flatMap((detail) => GAINS.map((gain) => [detail, gain]));
  let doubted = found;
  for (const [detail, gain] of tries.slice(1)) {
    const other = bindingAt(codec, view, detail, gain) ?? found;
    if (detail === DETAILS.at(-1) && gain === GAINS[0]) doubted = other;
    const pValue = Math.min(1, other.pValue * tries.length);
    const fits = decided({ ...other, pValue });
    if (fits) return { ...other, pValue, fits };
  }
  return doubted;
}

// The bound bits of a reading and what is seen around them, and how well its pilots agree.
function viewOf(codec, network, cells, signs) {
  const { rows, columns } = cells;
  const seen = surroundings(network, cells);
  const cut = [...cells.corner, ...cells.shift].some(Boolean);
  const gone = whereGone(network, cells, signs);
  const inside = around(new Float64Array(rows * columns).fill(1), rows, columns);
  const covered = around(gone, rows, columns);
  const bound = boundPlaces(codec, network, cells).map(([place, number]) => {
    const cell = cellOf(network, place);
    return {
      number,
      logit: clipped(cells.data[place]),
      seen: seen(cell),
      outside: cut ? 1 - inside(cell) : 0,
      covered: covered(cell),
      gone: gone[cell],
    };
  });
  const slot = slotsOf(network, cells);
  const counts = (_, place) => codec.pilot[slot(place)] && !gone[cellOf(network, place)];
  const pilots = agreement(network, cells, codec.pilot).filter(counts);
  const reliability = pilots.length ? pilots.reduce((sum, x) => sum + x, 0) / pilots.length : null;
  const left = 1 - gone.reduce((sum, x) => sum + x, 0) / gone.length;
  return { bound, reliability, left, most: mostOf(bound) };
}

// The same as bindingOf, at one contrast, with so much doubt for detail.
function bindingAt(codec, view, detail = DETAILS[0], gain = GAINS[0]) {
  const there = view.bound.filter(({ gone }) => !gone);
  const [found, squares] = gathered(there, ({ seen, outside, covered }) => {
    return likely(exceeding(seen, gain), Math.hypot(NOISE, gain * detail * seen.detail), outside + covered);
  });
  if (!found.some((entry) => entry.weight) || view.reliability === null) return null;
  const agrees = found.map(({ number, value, weight }) => (codec.boundBit(number, value) ? weight : -weight));
  const expected = squares * Math.max(view.reliability, 1e-9);
  const pValue = Math.exp(agreementPValue(agrees));
  const share = agrees.reduce((sum, x) => sum + x, 0) / expected;
  const deviations = expected / sizeOf(found, "weight");
  const { most, left } = view;
  const fits = decided({ pValue, share, deviations, left });
  return { fits, pValue, share, deviations, most, left, plain: most < ENOUGH };
}

// The deviations of an undamaged mark, by what is seen and not by what was done to the copy.
function mostOf(bound) {
  const [found, squares] = gathered(bound, ({ seen, outside }) => likely(exceeding(seen, 1), NOISE, outside));
  return squares / Math.max(sizeOf(found, "chance"), 1e-9);
}

// What the likely values of all cells weigh, one entry for each number and value, and their squared chances.
function gathered(bound, likelyOf) {
  const entries = new Map();
  let squares = 0;
  for (const cell of bound) {
    for (const [value, chance] of likelyOf(cell)) {
      const name = cell.number * 65536 + value;
      const entry = entries.get(name) ?? { number: cell.number, value, weight: 0, chance: 0 };
      entry.weight += chance * cell.logit;
      entry.chance += chance;
      entries.set(name, entry);
      squares += chance ** 2;
    }
  }
  return [[...entries.values()], squares];
}

const sizeOf = (entries, name) => Math.sqrt(entries.reduce((sum, entry) => sum + entry[name] ** 2, 0));

function decided({ pValue, share, deviations, left }) {
  const byChance = pValue > BY_CHANCE;
  if (share >= LEAST_SHARE) return byChance || share * left < LEAST_SHARE ? null : true;
  return byChance && deviations >= ENOUGH && share + 1 / deviations < LEAST_SHARE ? false : null;
}

const clipped = (logit) => Math.min(Math.max(logit, -CLEAR), CLEAR);

// The cell of the grid in which a bit lies.
const cellOf = ({ bits }, place) => Math.floor(place / bits);

// A function that tells the slot of a bit of the grid, whose tiles begin `shift` cells further on.
function slotsOf(network, { columns, shift }) {
  const tiling = new Tiling(network);
  return (place) => {
    const cell = cellOf(network, place);
    const [row, column] = [Math.floor(cell / columns) - shift[0], (cell % columns) - shift[1]];
    return tiling.slot(modulo(row, tiling.side), modulo(column, tiling.side), place % network.bits);
  };
}

// Indices of the bound bits of a grid, and their numbers among the bound slots.
function boundPlaces(codec, network, cells) {
  const slot = slotsOf(network, cells);
  const numbers = new Map(codec.boundPlaces.map((slot, number) => [slot, number]));
  const found = [];
  for (let place = 0; place < cells.rows * cells.columns * network.bits; place++) {
    const number = numbers.get(slot(place));
    if (number !== undefined) found.push([place, number]);
  }
  return found;
}

// How well each bit agrees with the known signs of the slots, 0 where none is known.
function agreement(network, cells, signs) {
  const slot = slotsOf(network, cells);
  const length = cells.rows * cells.columns * network.bits;
  return Float64Array.from({ length }, (_, place) => signs[slot(place)] * clipped(cells.data[place]));
}

// 1 for each cell where the mark is gone, by the agreement of known signs.
function whereGone(network, cells, signs) {
  const { rows, columns } = cells;
  const slot = slotsOf(network, cells);
  const [agrees, known] = [new Float64Array(rows * columns), new Float64Array(rows * columns)];
  agreement(network, cells, signs).forEach((x, place) => {
    agrees[cellOf(network, place)] += x;
    known[cellOf(network, place)] += Number(signs[slot(place)] !== 0);
  });
  const [near, count] = [agrees, known].map((grid) => around(grid, rows, columns, NEAR));
  const mean = agrees.reduce((sum, x) => sum + x, 0) / Math.max(known.reduce((sum, x) => sum + x, 0), 1);
  return agrees.map((_, cell) => {
    const seen = count(cell);
    return Number(seen > 0 && near(cell) / seen < LOST * mean);
  });
}

// A function that tells the mean of a grid around a cell; beyond the edges are zeros.
function around(grid, rows, columns, reach = REACH) {
  return (place) => {
    const [row, column] = [Math.floor(place / columns), place % columns];
    let sum = 0;
    for (let y = Math.max(row - reach, 0); y <= Math.min(row + reach, rows - 1); y++) {
      for (let x = Math.max(column - reach, 0); x <= Math.min(column + reach, columns - 1); x++) sum += grid[y * columns + x];
    }
    return sum / (2 * reach + 1) ** 2;
  };
}

// A function that tells what is seen around a cell: coefficients, the threshold of its bits, and the finer detail.
function surroundings({ block: [height, width] }, { plane, corner, rows, columns }) {
  const [means, squares] = [new Float64Array(rows * columns), new Float64Array(rows * columns)];
  for (let y = 0; y < rows * height; y++) {
    const start = (corner[0] + y) * plane.width + corner[1];
    const row = Math.floor(y / height) * columns;
    for (let x = 0; x < columns * width; x++) {
      const [cell, level] = [row + Math.floor(x / width), LEVELS * plane.data[start + x]];
      means[cell] += level / (height * width);
      squares[cell] += level ** 2 / (height * width);
    }
  }
  const within = (n, count) => Math.min(Math.max(n, 0), count - 1);
  return (place) => {
    const [row, column] = [Math.floor(place / columns), place % columns];
    const places = Array.from({ length: SURROUNDINGS }, (_, i) =>
      Array.from({ length: SURROUNDINGS }, (_, j) =>
        within(row + i - REACH, rows) * columns + within(column + j - REACH, columns)));
    const average = (value) => places.flat().reduce((sum, i) => sum + value(i), 0) / SURROUNDINGS ** 2;
    const across = places.map((line) => WAVES.map((wave) => wave.reduce((sum, x, j) => sum + x * means[line[j]], 0)));
    const mean = average((i) => means[i]);
    const detail = Math.sqrt(average((i) => Math.max(squares[i] - means[i] ** 2, 0)));
    const coefficients = FREQUENCIES.map(([u, v]) => WAVES[u].reduce((sum, x, i) => sum + x * across[i][v], 0));
    return { coefficients, threshold: THRESHOLD * mean, detail };
  };
}

// How far each bit exceeds its threshold, at a contrast.
const exceeding = ({ coefficients, threshold }, gain) => coefficients.map((x) => gain * x - threshold);

const valueOf = (seen) => seen.reduce((value, x, i) => value + (x > 0 ? 1 << i : 0), 0);

// The likeliest values of what is seen around a cell, and their probabilities.
function likely(seen, noise, unseen) {
  const size = Math.sqrt(seen.reduce((sum, x) => sum + x * x, 0) / seen.length);
  const doubt = seen.map((x) => normalTail(Math.abs(x) / (noise + unseen * size)));
  const order = [...seen.keys()].sort((a, b) => doubt[b] - doubt[a]);
  const sure = order.slice(UNSURE).reduce((product, i) => product * (1 - doubt[i]), 1);
  let found = [[valueOf(seen), sure]];
  for (const i of order.slice(0, UNSURE)) {
    const kept = found.map(([value, chance]) => [value, chance * (1 - doubt[i])]);
    found = [...kept, ...found.map(([value, chance]) => [value ^ (1 << i), chance * doubt[i]])];
  }
  return found.filter(([value, chance]) => value && chance > LEAST_CHANCE); // smooth places tell nothing
}
