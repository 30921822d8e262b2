// Marks and reads photos with the page's scripts and a network of quadrants: node watermarker.mjs PAGE IN OUT

import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

import { photoOf } from "./photo.mjs";

const [page, given, output] = process.argv.slice(2);
const script = (name) => import(`${pathToFileURL(page).href}/js/${name}.js`);
const { Watermarker } = await script("watermarker");
const { photos, key, message } = JSON.parse(await readFile(given, "utf8"));

// As in tests/conftest.py: two quadrants of a block on a diagonal get lighter, two darker.
const sign = (row, column) => (((row % 8) < 4) === ((column % 8) < 4) ? 1 : -1);
const network = {
  bits: 1,
  patch: [8, 8],
  block: [8, 8],
  async embed({ width, data }, bits, [, columns]) {
    return data.map((x, i) => {
      const [row, column] = [Math.floor(i / width), i % width];
      const bit = bits[Math.floor(row / 8) * columns + Math.floor(column / 8)];
      return Math.min(Math.max(x + ((2 * bit - 1) * sign(row, column) * 8) / 255, 0), 1);
    });
  },
  async extract({ width, height, data }) {
    const [rows, columns] = [height / 8, width / 8];
    const logits = new Float32Array(rows * columns);
    data.forEach((x, i) => {
      const [row, column] = [Math.floor(i / width), i % width];
      logits[Math.floor(row / 8) * columns + Math.floor(column / 8)] += x * sign(row, column);
    });
    return { rows, columns, data: logits };
  },
};

const watermarker = new Watermarker(network);
const found = [];
for (const photo of photos) {
  const { decision, reason, message, binding } = await watermarker.extract(photoOf(photo), { key, search: "crop" });
  found.push({ decision, reason, message, binding });
}
const { marked } = await watermarker.embed(photoOf(photos.at(-1)), message, { key });
const rgb = Buffer.from(marked.pixels.filter((_, i) => i % 4 < 3)).toString("hex");
await writeFile(output, JSON.stringify({ found, rgb }));
