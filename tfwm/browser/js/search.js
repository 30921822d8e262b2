// Finds a mark in a copy that was cropped, rescaled, turned or mirrored: tfwm/marking/search.py.

import { WORKING_PIXELS, naturalScale } from "./canvas.js";
import { alignmentOf } from "./reader.js";

export const STAGES = ["none", "crop", "scale", "rotate", "all"];
const LARGEST_SCALE = 4;
const COARSE_STEP = 4;
const POSITIONS = 128;
const PHASES = 8;
const WINDOW = 256;
const WINDOW_BITS = 256;
const SCALE_STEP = 1.024;
const SCALE_RANGE = 3.6;
const ROTATION_STEP = 1.25;
const ROTATIONS = Array.from({ length: 20 }, (_, i) => (i % 2 ? -1 : 1) * (Math.floor(i / 2) + 1) * ROTATION_STEP);
const SHORTLIST = 3;
const HOPEFUL = 4.5;
const DOUBTFUL = 4.1;
const CLEAR = 6.5;

const UNTRIED = {
  none: "cut, mirrored or turned",
  crop: "cut and resized, or turned",
  scale: "turned",
  rotate: "resized and turned at once",
};

// The end of a sentence on what a wider search would find.
export const hint = (search) =>
  search in UNTRIED ? `; a copy that was ${UNTRIED[search]} may be read with a wider search (all)` : "";

// Alignments at which a mark may lie, { stage, alignment }, the likeliest and cheapest first.
export async function* candidates(reader, search, tell = () => {}) {
  const last = STAGES.indexOf(search);
  const plan = planOf(reader.network);
  const scales = plainScales(reader);
  tell(0, "none");
  for (const flipped of [false, true]) {
    for (const scale of scales) yield { stage: "none", alignment: alignmentOf({ scale, flipped }) };
  }
  if (last < 1) return;
  tell(0.05, "crop");
  for (const [turns, flipped] of [[0, false], [0, true], [2, false], [1, false], [3, false]]) {
    for (const scale of scales) {
      const place = alignmentOf({ scale, turns, flipped });
      const found = await reader.scan(place, plan.step, plan.cropWindow);
      const alignment = found.score > HOPEFUL ? await settled(reader, found.alignment, plan) : found.alignment;
      yield { stage: "crop", alignment };
    }
  }
  if (last < 2) return;
  if (last >= 3) {
    const turned = scales.flatMap((scale) => ROTATIONS.map((rotation) => alignmentOf({ scale, rotation })));
    yield* sweep(reader, turned, tell, [0.1, 0.4, "rotate"]);
  }
  const wide = scalesAround(scales, reader);
  const share = { 2: [0.1, 1], 3: [0.4, 1], 4: [0.4, 0.6] }[last];
  yield* sweep(reader, wide.map((scale) => alignmentOf({ scale })), tell, [...share, "scale"]);
  if (last === 4) {
    const both = wide.flatMap((scale) => ROTATIONS.map((rotation) => alignmentOf({ scale, rotation })));
    yield* sweep(reader, both, tell, [0.6, 1, "all"]);
  }
}

// How densely a network's marks are looked for.
export function planOf({ patch, block, bits }) {
  let step = COARSE_STEP;
  while (Math.ceil(patch[0] / step) * Math.ceil(patch[1] / step) > POSITIONS) step += PHASES;
  const cells = Math.ceil(Math.sqrt(WINDOW_BITS / bits));
  const window = Math.max(...block.map((side) => cells * side)) + Math.max(...patch);
  return { step, window: Math.max(window, WINDOW), cropWindow: window > WINDOW ? window : null, sparse: step > COARSE_STEP };
}

function plainScales(reader) {
  const { height, width } = reader.canvas;
  const scales = [naturalScale(height, width)];
  const whole = Math.sqrt(WORKING_PIXELS / (height * width));
  if (whole > 1.02 && whole <= LARGEST_SCALE) scales.push(whole);
  return scales.filter((scale) => reader.fits(scale));
}

function scalesAround(plain, reader) {
  const count = Math.round(Math.log(SCALE_RANGE) / Math.log(SCALE_STEP));
  const steps = Array.from({ length: 2 * count + 1 }, (_, i) => i - count).sort((a, b) => Math.abs(a) - Math.abs(b) || a - b);
  const scales = plain.slice(0, 1).flatMap((scale) => steps.map((n) => scale * SCALE_STEP ** n));
  if (!(plain.length === 1 && plain[0] === 1)) scales.push(1);
  return scales.filter((scale) => reader.fits(scale) && scale <= LARGEST_SCALE);
}

async function* sweep(reader, alignments, tell, [start, end, stage]) {
  const plan = planOf(reader.network);
  const found = [];
  for (const [number, plain] of alignments.entries()) {
    tell(start + ((end - start) * number) / alignments.length, stage);
    const alignment = plan.sparse ? reader.uncropped(plain) : plain;
    const best = await reader.scan(alignment, COARSE_STEP, plan.window, plan.sparse);
    if (best.score > CLEAR) yield { stage, alignment: await refined(reader, best, plan) };
    else found.push(best);
  }
  found.sort((a, b) => b.score - a.score);
  for (const best of found.slice(0, SHORTLIST)) {
    const worth = best.score > DOUBTFUL || plan.sparse;
    yield { stage, alignment: worth ? await refined(reader, best, plan) : best.alignment };
  }
}

// Climbs to the best scale and angle, first in the window, then in the whole copy.
async function refined(reader, best, plan) {
  for (const share of [0.5, 0.25]) {
    best = await climbed(best, share, (alignment) => reader.scan(alignment, 2, plan.window, true));
    if (best.score < HOPEFUL) return best.alignment;
  }
  best = await reader.scan(best.alignment, 1, null, true);
  for (const share of [0.25, 0.1]) {
    best = await climbed(best, share, async (alignment) => ({ score: await reader.score(alignment), alignment }));
  }
  return (await reader.scan(best.alignment, 1, null, true)).alignment;
}

async function climbed(best, share, look) {
  for (let round = 0; round < 4; round++) {
    let next = { score: -Infinity };
    for (const neighbor of neighbors(best.alignment, share)) {
      const found = await look(neighbor);
      if (found.score > next.score) next = found;
    }
    if (next.score <= best.score) break;
    best = next;
  }
  return best;
}

const rint = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

function* neighbors(alignment, share) {
  const ratio = SCALE_STEP ** share;
  for (const factor of [ratio, 1 / ratio]) {
    const offset = alignment.offset.map((o) => rint(o * factor));
    yield { ...alignment, scale: alignment.scale * factor, offset };
  }
  for (const angle of [share * ROTATION_STEP, -share * ROTATION_STEP]) {
    yield { ...alignment, rotation: alignment.rotation + angle };
  }
}

// The exact offset from one that is a coarse step off at most.
async function settled(reader, alignment, plan) {
  const far = plan.sparse ? [4 * PHASES, 4 * PHASES, 2 * PHASES, PHASES, COARSE_STEP] : [];
  for (const step of [...far, COARSE_STEP / 2, 1]) {
    ({ alignment } = await reader.scan(alignment, step, null, true));
  }
  return alignment;
}
