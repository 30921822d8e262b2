// Gives the free sides of a TFLite file their values, which LiteRT.js cannot do when it runs one.
//
// A TFLite file is a flatbuffer (tensorflow/compiler/mlir/lite/schema/schema.fbs): tables of
// fields that are found by their numbers.

const MODEL_SUBGRAPHS = 2;
const SUBGRAPH = { tensors: 0, inputs: 1, outputs: 2 };
const TENSOR = { shape: 0, name: 3, shapeSignature: 7 };

// Returns the bytes with `shapeOf(name, inputs)` as the shape of each input and output. `name` is
// that of an input, null for an output; `inputs` are the names of all inputs beside it.
export function withShapes(bytes, shapeOf) {
  const result = bytes.slice();
  const view = new DataView(result.buffer);
  const table = new Tables(view);
  const root = view.getUint32(0, true);
  for (const subgraph of table.tables(root, MODEL_SUBGRAPHS)) {
    const tensors = table.tables(subgraph, SUBGRAPH.tensors);
    const chosen = (field) => table.numbers(subgraph, field).map((place) => tensors[view.getInt32(place, true)]);
    const inputs = chosen(SUBGRAPH.inputs).map((tensor) => table.text(tensor, TENSOR.name));
    chosen(SUBGRAPH.inputs).forEach((tensor, i) => table.write(tensor, shapeOf(inputs[i], inputs)));
    for (const tensor of chosen(SUBGRAPH.outputs)) table.write(tensor, shapeOf(null, inputs));
  }
  return result;
}

class Tables {
  constructor(view) {
    this.view = view;
  }

  // Where a field of a table leads to, 0 if it has none.
  follow(table, field) {
    const layout = table - this.view.getInt32(table, true);
    const entry = 4 + 2 * field;
    const offset = entry < this.view.getUint16(layout, true) ? this.view.getUint16(layout + entry, true) : 0;
    return offset ? table + offset + this.view.getUint32(table + offset, true) : 0;
  }

  // The places of the numbers of a vector.
  numbers(table, field) {
    const start = this.follow(table, field);
    const length = start ? this.view.getUint32(start, true) : 0;
    return Array.from({ length }, (_, i) => start + 4 + 4 * i);
  }

  tables(table, field) {
    return this.numbers(table, field).map((place) => place + this.view.getUint32(place, true));
  }

  text(table, field) {
    const start = this.follow(table, field);
    const bytes = new Uint8Array(this.view.buffer, start + 4, this.view.getUint32(start, true));
    return new TextDecoder().decode(bytes);
  }

  write(tensor, shape) {
    for (const field of [TENSOR.shape, TENSOR.shapeSignature]) {
      this.numbers(tensor, field).forEach((place, i) => this.view.setInt32(place, shape[i], true));
    }
  }
}
