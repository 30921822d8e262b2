// The signal-to-noise ratio of votes, and what a code needs: tfwm/payload/signal.py.

import { normalTail } from "./evidence.js";

const FEWEST = 16;
const DEVIATIONS = 3;
const LARGEST_SCALE = 8;
const LOSS = 1.3;
const FRAME_ERRORS = 1e-3;

const mean = (values) => values.reduce((total, x) => total + x, 0) / values.length;
const spread = (values, middle = mean(values)) => mean(values.map((x) => (x - middle) ** 2));
const seenOf = (agreement) => Array.from(agreement).filter((x) => x !== 0);

// (mean / deviation)^2 of votes times the signs expected of them.
export function snr(agreement) {
  const seen = seenOf(agreement);
  const middle = seen.length ? mean(seen) : 0;
  if (middle <= 0) return 0;
  return middle ** 2 / Math.max(spread(seen, middle), middle ** 2 / seen.length);
}

// The lowest and highest likely ratio for all code bits, of which a share was seen.
export function snrRange(agreement, share) {
  const seen = seenOf(agreement);
  if (seen.length < FEWEST) return [0, Infinity];
  const amplitude = Math.sqrt(snr(seen)) || -Math.sqrt(snr(seen.map((x) => -x)));
  const error = DEVIATIONS * Math.sqrt((1 + amplitude ** 2 / 2) / seen.length);
  return [Math.max(0, amplitude - error), Math.max(0, amplitude + error)].map((x) => share * x ** 2);
}

// The factor that makes votes of mean square 1 log-likelihood ratios, from the pilots.
export function llrScale(agreement, needed) {
  const edge = 2 * Math.sqrt(needed * (1 + needed));
  let seen = seenOf(agreement);
  if (seen.length < FEWEST) return edge;
  const size = Math.sqrt(mean(seen.map((x) => x * x)));
  seen = seen.map((x) => x / size);
  let [low, high] = [Math.log(edge / 2), Math.log(Math.max(edge, LARGEST_SCALE))];
  for (let i = 0; i < 12; i++) {
    const middle = (low + high) / 2;
    const slope = seen.reduce((sum, x) => sum + x / (1 + Math.exp(Math.exp(middle) * x)), 0);
    [low, high] = slope > 0 ? [middle, high] : [low, middle];
  }
  return Math.exp(low);
}

const known = new Map();

// The ratio for each code bit at which one frame in a thousand is lost.
export function neededSnr(informationBits, length) {
  const name = `${informationBits} ${length}`;
  if (!known.has(name)) {
    let [low, high] = [Math.log(1e-3), Math.log(1e3)];
    for (let i = 0; i < 30; i++) {
      const middle = (low + high) / 2;
      const lost = frameErrorBound(informationBits, length, Math.exp(middle));
      [low, high] = lost > FRAME_ERRORS ? [middle, high] : [low, middle];
    }
    known.set(name, LOSS * Math.exp(low));
  }
  return known.get(name);
}

// The normal approximation of the best code's frame errors (Polyanskiy, Poor and Verdu, 2010).
function frameErrorBound(informationBits, length, ratio) {
  let [total, capacity, square] = [0, 0, 0];
  for (let z = -9; z <= 9; z += 0.05) {
    const weight = Math.exp((-z * z) / 2);
    const x = -2 * (ratio + Math.sqrt(ratio) * z);
    const density = 1 - (Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))) / Math.LN2;
    total += weight;
    capacity += weight * density;
    square += weight * density ** 2;
  }
  capacity /= total;
  const dispersion = Math.max(square / total - capacity ** 2, 1e-12);
  const room = length * capacity - informationBits + 0.5 * Math.log2(length);
  return normalTail(room / Math.sqrt(length * dispersion));
}
