// Repeats the golden cases with the scripts of the page: node golden.mjs PAGE CASES.json

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import assert from "node:assert/strict";
import test from "node:test";

import { photoOf } from "./photo.mjs";

const [page, file] = process.argv.slice(2);
const script = (name) => import(`${pathToFileURL(page).href}/js/${name}.js`);
const cases = JSON.parse(await readFile(file, "utf8"));
const { Key } = await script("keys");
const { Codec } = await script("codec");
const { Judge } = await script("judge");
const { normalPValue } = await script("evidence");
const { Canvas, addResidual } = await script("canvas");
const { Tiling } = await script("reader");
const { asked, bindingOf } = await script("binding");
const { rotated } = await script("resample");

const floats = (text) => new Float32Array(new Uint8Array(Buffer.from(text, "hex")).buffer);
const hex = (bytes) => Buffer.from(bytes).toString("hex");

function near(found, wanted, relative, what) {
  if (wanted === null || found === null) return assert.equal(found, wanted, what);
  const far = Math.abs(found - wanted) / Math.max(Math.abs(wanted), 1e-300);
  assert.ok(far <= relative || found === wanted, `${what}: ${found} instead of ${wanted}`);
}

test("keys", () => {
  for (const each of cases.keys) {
    const key = new Key(each.key);
    assert.equal(hex(key.stream("places 1024", 40)), each.stream);
    assert.deepEqual(key.permutation("places 100", 100), each.permutation);
    assert.deepEqual([...key.bits("whitening 77", 77)], each.bits);
    assert.deepEqual([...key.tag(Buffer.from("Ada"), 24)], each.tag);
    assert.deepEqual([...key.tag(Buffer.from("Ada"), 24, "bound tag")], each.bound);
  }
});

test("messages to bits", () => {
  const key = new Key("a key");
  for (const { slots, kind, data, bits } of cases.encoded) {
    assert.equal(new Codec(slots, key).encode(kind, new Uint8Array(Buffer.from(data, "hex"))).join(""), bits);
  }
});

test("votes to message, p-value and decision", () => {
  const keys = new Map();
  for (const [number, each] of cases.votes.entries()) {
    if (!keys.has(each.key)) keys.set(each.key, new Key(each.key));
    const codec = new Codec(each.slots, keys.get(each.key));
    const votes = Float32Array.from(each.votes);
    near(codec.pilotScore(votes), each.score, 1e-6, `score ${number}`);
    const judge = new Judge(codec, 1e-6);
    judge.add("none", null, votes, 3);
    const found = judge.extraction();
    for (const name of ["message", "kind", "decision", "reason", "correctedErrors"]) {
      assert.equal(found[name], each[name], `${name} of case ${number}`);
    }
    near(found.pValue, each.pValue, 1e-4, `p-value ${number}`);
    near(found.margin, each.margin, 1e-3, `margin ${number}`);
    if (codec.signpost) assert.equal(codec.signpost.host(votes), each.signpost, `signpost ${number}`);
  }
});

test("tails of the normal distribution", () => {
  for (const [z, once, often] of cases.tails) {
    near(normalPValue(z), once, 1e-9, `z ${z}`);
    near(normalPValue(z, 50), often, 1e-9, `z ${z}, 50 trials`);
  }
});

test("tiling", () => {
  const tiling = new Tiling({ bits: 1, block: [8, 8] });
  const data = floats(cases.tiling.logits);
  const folded = tiling.fold({ rows: 45, columns: 70, data });
  floats(cases.tiling.folded).forEach((vote, i) => near(folded[i], vote, 1e-5, `slot ${i}`));
  const numbers = Array.from({ length: 1024 }, (_, i) => i);
  assert.deepEqual([...tiling.layOut(numbers, 40, 50)], cases.tiling.laid);
});

test("the photo at working size, and windows of it, level for level", () => {
  for (const { photo, scale, window, shape, levels } of cases.resized) {
    const seen = new Canvas(photoOf(photo)).scaled(scale, window);
    assert.deepEqual([seen.height, seen.width], shape);
    const wrong = [...Buffer.from(levels, "hex")].filter((level, i) => Math.round(seen.data[i] * 255) !== level).length;
    assert.equal(wrong, 0, `${wrong} levels at scale ${scale}`);
  }
});

test("what a photo asks for, and whether a mark was made for it", () => {
  const codec = new Codec(1024, new Key("a key"));
  for (const [number, { plane, shape, corner, shift, logits, grid, bits, ...each }] of cases.bound.entries()) {
    const network = { bits, block: [8, 8] };
    const seen = { height: shape[0], width: shape[1], data: floats(plane) };
    const cells = { plane: seen, corner, shift, rows: grid[0], columns: grid[1], data: floats(logits) };
    if (number % 4 === 0) assert.deepEqual(asked(codec, network, cells).map(([, bit]) => bit), each.asked);
    const found = bindingOf(codec, network, cells);
    assert.equal(found.fits, each.binding.fits, `case ${number}`);
    near(found.pValue, each.binding.p_value, 1e-2, `p-value ${number}`);
    for (const name of ["share", "deviations", "most", "left"]) near(found[name], each.binding[name], 1e-3, `${name} ${number}`);
  }
  assert.deepEqual(cases.bound.map((each) => each.binding.fits), [true, true, false, null, true]);
});

test("turning", () => {
  const { width, height, data, turned } = cases.turned;
  const found = rotated({ width, height, data: floats(data) }, -7.3, 0.5).data;
  const far = Math.max(...floats(turned).map((value, i) => Math.abs(value - found[i])));
  assert.ok(far < 1e-6, `off by ${far}`);
});

test("the change on the photo, level for level", () => {
  for (const { photo, scale, shape, residual, marked } of cases.marked) {
    const change = { height: shape[0], width: shape[1], data: floats(residual) };
    const found = addResidual(photoOf(photo), change, scale);
    const wanted = photoOf(marked).pixels;
    const wrong = wanted.filter((level, i) => level !== found[i]).length;
    assert.ok(wrong <= 2e-6 * wanted.length, `${wrong} of ${wanted.length} levels`);
  }
});
