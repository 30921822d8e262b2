// The error-correcting code, a format on disk: tfwm/payload/code.py tells how it is made.

import { shake256 } from "../hashes/sha3.js";

export const ITERATIONS = 50;
const GUESSED_BITS = 4;
const LLR_LIMIT = 25;
const LONGEST = 1024;
const CORE_DEGREE = 3;
const TOGETHER_COST = 1000;
const RANDOM_NUMBERS = 2 ** 17;

export class Code {
  constructor(informationBits, length) {
    this.informationBits = informationBits;
    this.length = length;
    this.mother = Math.min(length, LONGEST);
    this.source = Int32Array.from({ length }, (_, i) => Math.floor((i * this.mother) / length));
    this.checks = makeChecks(informationBits, this.mother);
    this.graph = makeGraph(this.checks, this.mother);
  }

  encode(bits) {
    const word = new Uint8Array(this.mother);
    word.set(bits);
    for (const [defined, ...others] of this.checks) {
      word[defined] = others.reduce((sum, other) => sum ^ word[other], 0);
    }
    return Uint8Array.from(this.source, (place) => word[place]);
  }

  // Log-likelihood ratios, positive for a 1, to { bits, llr, converged } of the information bits.
  decode(llr, iterations = ITERATIONS) {
    return this.decodeMother(this.gathered(llr), iterations);
  }

  // Decodes again with the least sure bits fixed to all their values, one by one.
  *guesses(llr, after) {
    const start = this.gathered(llr);
    const unsure = Array.from(after.keys())
      .sort((a, b) => Math.abs(after[a]) - Math.abs(after[b]) || a - b)
      .slice(0, GUESSED_BITS);
    for (let number = 0; number < 2 ** unsure.length; number++) {
      const fixed = start.slice();
      unsure.forEach((bit, i) => {
        fixed[bit] = number >> (unsure.length - 1 - i) & 1 ? -LLR_LIMIT : LLR_LIMIT;
      });
      yield this.decodeMother(fixed, ITERATIONS);
    }
  }

  gathered(llr) {
    const sums = new Float64Array(this.mother);
    llr.forEach((value, i) => (sums[this.source[i]] += value));
    return sums;
  }

  // Belief propagation: sums of products of tanh, in a flooding schedule.
  decodeMother(llr, iterations) {
    const { rows, columns, bitOf } = this.graph;
    const channel = Float64Array.from(llr, (x) => -Math.min(Math.max(x, -LLR_LIMIT), LLR_LIMIT));
    const toCheck = Float64Array.from(bitOf, (bit) => channel[bit]);
    const toBit = new Float64Array(bitOf.length);
    const after = new Float64Array(this.mother);
    let converged = false;
    for (let round = 0; round < iterations && !converged; round++) {
      for (const edges of rows) checkMessages(edges, toCheck, toBit);
      for (let bit = 0; bit < this.mother; bit++) {
        let sum = channel[bit];
        for (const edge of columns[bit]) sum += toBit[edge];
        after[bit] = sum;
        for (const edge of columns[bit]) toCheck[edge] = bounded(sum - toBit[edge]);
      }
      converged = rows.every((edges) => {
        let odd = 0;
        for (const edge of edges) odd ^= after[bitOf[edge]] < 0 ? 1 : 0;
        return !odd;
      });
    }
    const known = after.subarray(0, this.informationBits);
    return { bits: Uint8Array.from(known, (x) => (x < 0 ? 1 : 0)), llr: known.map((x) => -x), converged };
  }
}

// Beyond this, a product of hyperbolic tangents rounds to 1.
const CERTAIN = 36;
const bounded = (x) => (x > CERTAIN ? CERTAIN : x < -CERTAIN ? -CERTAIN : x);

function checkMessages(edges, toCheck, toBit) {
  let product = 1;
  for (const edge of edges) {
    toBit[edge] = product;
    product *= Math.tanh(toCheck[edge] / 2);
  }
  product = 1;
  for (let i = edges.length - 1; i >= 0; i--) {
    const value = toBit[edges[i]] * product;
    toBit[edges[i]] = bounded(Math.log((1 + value) / (1 - value)));
    product *= Math.tanh(toCheck[edges[i]] / 2);
  }
}

function makeGraph(checks, length) {
  const bitOf = Int32Array.from(checks.flat());
  const columns = Array.from({ length }, () => []);
  let edge = 0;
  const rows = checks.map((check) => check.map((bit) => {
    columns[bit].push(edge);
    return edge++;
  }));
  return { rows, columns, bitOf };
}

// Checks as lists of positions, the bit that each defines first.
function makeChecks(informationBits, length) {
  const core = Math.min(length - informationBits, informationBits);
  const half = Math.ceil(informationBits / 2);
  const information = [0, informationBits];
  const first = [0, half];
  const second = [half, informationBits];
  const parity = [informationBits, informationBits + ((core + 1) >> 1)];
  const choice = new Choice(informationBits, length);
  const checks = [];
  const edges = CORE_DEGREE * informationBits;
  for (let index = 0; index < core; index++) {
    const defined = informationBits + index;
    const degree = Math.floor((edges * (index + 1)) / core) - Math.floor((edges * index) / core);
    checks.push(choice.extend(index ? [defined, defined - 1] : [defined], Array(degree).fill(information)));
  }
  choice.uses.fill(0);
  const patterns = [[information, parity, parity], [information, information, information], [first, second]];
  for (let defined = informationBits + core; defined < length; defined++) {
    checks.push(choice.extend([defined], patterns[(defined - informationBits - core) % 3]));
  }
  return checks;
}

// Picks bits for checks: rarely with the same others, then the least used; a hash breaks ties.
class Choice {
  constructor(informationBits, length) {
    const seed = new TextEncoder().encode(`tfwm payload code ${informationBits} ${length}`);
    const view = new DataView(shake256(seed, { dkLen: 2 * RANDOM_NUMBERS }).buffer);
    this.random = Float64Array.from({ length: RANDOM_NUMBERS }, (_, i) => view.getUint16(2 * i, true) / 2 ** 16);
    this.next = 0;
    this.length = length;
    this.uses = new Float64Array(length);
    this.together = new Uint8Array(length * length);
  }

  extend(check, pools) {
    for (const [low, high] of pools) {
      const start = this.next % (RANDOM_NUMBERS - (high - low));
      this.next += high - low;
      let best = low;
      let least = Infinity;
      for (let bit = low; bit < high; bit++) {
        let cost = this.uses[bit] + this.random[start + bit - low];
        for (const other of check) {
          cost += other === bit ? Infinity : TOGETHER_COST * this.together[other * this.length + bit];
        }
        if (cost < least) [best, least] = [bit, cost];
      }
      for (const other of check) {
        this.together[best * this.length + other]++;
        this.together[other * this.length + best]++;
      }
      this.uses[best]++;
      check = [...check, best];
    }
    return check;
  }
}
