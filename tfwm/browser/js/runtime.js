// Runs a network's TFLite file by LiteRT.js, on planes of any size.

import { Tensor, loadAndCompile, loadLiteRt } from "../litert/litert.js";
import { withShapes } from "./tflite.js";

// So many sizes stay ready to run.
const KEPT = 6;
// Of the logits, relative, as `tfwm verify` has it for float32.
const TOLERANCE = 1e-3;

export class Network {
  // `card` is the network's card.json, `bytes` its TFLite file.
  constructor(card, bytes) {
    this.name = card.name;
    this.patch = card.geometry.patch;
    this.block = card.geometry.block;
    this.bits = card.geometry.bits ?? 1;
    this.bytes = bytes;
    this.models = new Map();
  }

  // Loads the runtime and the network from the folder of the page.
  static async open(base, name) {
    const place = (path) => new URL(path, base).href;
    // The runtime looks for its program beside its script, which a worker from a blob does not know.
    self.Module = { locateFile: (file) => place(`litert/wasm/${file}`) };
    const [card, golden, bytes] = await Promise.all([
      fetched(place("network/card.json")).then((response) => response.json()),
      fetched(place("network/golden.json")).then((response) => response.json()),
      fetched(place(`network/${name}.tflite`)).then((response) => response.arrayBuffer()),
      loadLiteRt(place("litert/wasm/")),
    ]);
    const network = new Network(card, new Uint8Array(bytes));
    await network.check(golden);
    return network;
  }

  // Throws if the runtime does not give here what the network gave when it was exported.
  async check({ shape: [height, width], image, logits }) {
    const { data } = await this.extract({ height, width, data: Float32Array.from(image) });
    const size = (values) => Math.hypot(...values);
    const off = size(logits.map((logit, i) => logit - data[i])) / size(logits);
    if (off < TOLERANCE) return;
    throw new Error("The network does not give in this browser what it gave when it was made: take another browser.");
  }

  // The logits { rows, columns, data } of a plane { width, height, data } in [0, 1].
  async extract({ width, height, data }) {
    const model = await this.model(height, width);
    const image = new Tensor(data, [1, height, width, 1]);
    const logits = await run(model, "extract", { image }, "logits");
    return { rows: height / this.block[0], columns: width / this.block[1], data: logits };
  }

  // The plane with a message of [rows, columns] cells.
  async embed({ width, height, data }, message, [rows, columns]) {
    const model = await this.model(height, width);
    const image = new Tensor(data, [1, height, width, 1]);
    const strength = model.signatures.embed.getInputDetails().find(({ name }) => name === "strength");
    return run(model, "embed", {
      image,
      message: new Tensor(message, [1, rows, columns, this.bits]),
      strength: new Tensor(new Float32Array([1]), Array.from(strength.shape)),
    }, "watermarked");
  }

  // The network for planes of one size; the one that was not used for longest makes room.
  async model(height, width) {
    const name = `${height} ${width}`;
    const model = this.models.get(name) ?? (await this.compiled(height, width));
    this.models.delete(name);
    this.models.set(name, model);
    if (this.models.size > KEPT) {
      const [oldest] = this.models.keys();
      this.models.get(oldest).delete();
      this.models.delete(oldest);
    }
    return model;
  }

  compiled(height, width) {
    const image = [1, height, width, 1];
    const grid = [1, height / this.block[0], width / this.block[1], this.bits];
    const shapeOf = (name, inputs) => {
      const embeds = inputs.some((input) => input.includes("message"));
      if (name === null) return embeds ? image : grid;
      return name.includes("strength") ? [1] : name.includes("message") ? grid : image;
    };
    return loadAndCompile(withShapes(this.bytes, shapeOf), { accelerator: "wasm" });
  }
}

async function fetched(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} cannot be loaded (${response.status}): copy the whole folder of this page.`);
  return response;
}

// Runs a signature; tensors live outside of JavaScript's memory and are deleted.
async function run(model, signature, inputs, output) {
  const outputs = await model.run(signature, inputs);
  const values = Float32Array.from(outputs[output].toTypedArray());
  for (const tensor of [...Object.values(inputs), ...Object.values(outputs)]) tensor.delete();
  return values;
}
