// Resizing and turning of planes, to the last bit as Pillow does it for its modes L and F.

const SUPPORT = 2; // of the bicubic filter
const PRECISION = 22; // bits behind the point of its 8-bit weights

function bicubic(x) {
  x = Math.abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

// For each pixel of the output, where its weights start and what they are.
function weightsOf(side, start, end, count, whole) {
  const step = Math.fround(end - start) / count;
  const stretch = Math.max(step, 1);
  const support = SUPPORT * stretch;
  return Array.from({ length: count }, (_, i) => {
    const center = start + (i + 0.5) * step;
    const low = Math.max(Math.trunc(center - support + 0.5), 0);
    const high = Math.min(Math.trunc(center + support + 0.5), side);
    const weights = new Float64Array(high - low);
    let sum = 0;
    for (let x = 0; x < weights.length; x++) sum += weights[x] = bicubic((x + low - center + 0.5) * (1 / stretch));
    for (let x = 0; x < weights.length; x++) {
      if (sum !== 0) weights[x] /= sum;
      if (whole) weights[x] = Math.trunc(weights[x] * 2 ** PRECISION + (weights[x] < 0 ? -0.5 : 0.5));
    }
    return { low, weights };
  });
}

const START = 2 ** (PRECISION - 1);

function sumOf(data, first, stride, weights, whole) {
  let sum = whole ? START : 0;
  for (let i = 0; i < weights.length; i++) sum += data[first + i * stride] * weights[i];
  if (!whole) return sum;
  const level = sum >> PRECISION;
  return level < 0 ? 0 : level > 255 ? 255 : level;
}

// A plane { width, height, data } at another size; 8 bits stay 8 bits. `box` is the part that
// is taken, [left, top, right, bottom] in pixels.
export function resized(plane, width, height, box = [0, 0, plane.width, plane.height]) {
  const [left, top, right, bottom] = box.map(Math.fround);
  const Kind = plane.data.constructor;
  const whole = Kind !== Float32Array;
  const down = weightsOf(plane.height, top, bottom, height, whole);
  const first = down[0].low;
  const rows = down.at(-1).low + down.at(-1).weights.length - first;
  let { data } = plane;
  let offset = first;
  if (width !== plane.width || left || right !== width) {
    const across = weightsOf(plane.width, left, right, width, whole);
    const part = new Kind(width * rows);
    for (let y = 0; y < rows; y++) {
      const row = (y + first) * plane.width;
      for (let x = 0; x < width; x++) {
        part[y * width + x] = sumOf(data, row + across[x].low, 1, across[x].weights, whole);
      }
    }
    data = part;
    offset = 0;
  }
  if (height === plane.height && !top && bottom === height) {
    return { width, height, data: data.slice(offset * width, (offset + height) * width) };
  }
  const result = new Kind(width * height);
  for (let y = 0; y < height; y++) {
    const row = (down[y].low - first + offset) * width;
    for (let x = 0; x < width; x++) result[y * width + x] = sumOf(data, row + x, width, down[y].weights, whole);
  }
  return { width, height, data: result };
}

export function cropped(plane, left, top, width, height) {
  const data = new plane.data.constructor(width * height);
  for (let y = 0; y < height; y++) {
    const start = (top + y) * plane.width + left;
    data.set(plane.data.subarray(start, start + width), y * width);
  }
  return { width, height, data };
}

export function mirrored({ width, height, data }) {
  const result = new data.constructor(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) result[y * width + x] = data[y * width + width - 1 - x];
  }
  return { width, height, data: result };
}

// A quarter turn counterclockwise, so many times.
export function turned(plane, turns) {
  for (let n = 0; n < turns; n++) {
    const { width, height, data } = plane;
    const result = new data.constructor(data.length);
    for (let y = 0; y < width; y++) {
      for (let x = 0; x < height; x++) result[y * height + x] = data[x * width + width - 1 - y];
    }
    plane = { width: height, height: width, data: result };
  }
  return plane;
}

// Between b and c, from four neighbors.
function cubic(a, b, c, d, at) {
  return b + at * (-a + c + at * (2 * (a - b) + c - d + at * (-a + b - c + d)));
}

// The plane turned by some degrees counterclockwise around its center, at its own size.
export function rotated({ width, height, data }, degrees, fill) {
  const angle = (-degrees * Math.PI) / 180;
  const round = (x) => Math.round(x * 1e15) / 1e15;
  const cos = round(Math.cos(angle));
  const sin = round(Math.sin(angle));
  const shiftX = cos * (-width / 2) + sin * (-height / 2) + width / 2;
  const shiftY = -sin * (-width / 2) + cos * (-height / 2) + height / 2;
  const result = new Float32Array(width * height).fill(fill);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const atX = cos * (x + 0.5) + sin * (y + 0.5) + shiftX;
      const atY = -sin * (x + 0.5) + cos * (y + 0.5) + shiftY;
      if (atX < 0 || atX >= width || atY < 0 || atY >= height) continue;
      result[y * width + x] = between(data, width, height, atX - 0.5, atY - 0.5);
    }
  }
  return { width, height, data: result };
}

// The value of a plane between its pixels; beyond an edge, columns repeat it and rows the last one.
function between(data, width, height, x, y) {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const at = x - left;
  const a = left < 1 ? 0 : left - 1;
  const b = left < 0 ? 0 : left;
  const c = left + 1 < width ? left + 1 : width - 1;
  const d = left + 2 < width ? left + 2 : width - 1;
  const row = (start) => cubic(data[start + a], data[start + b], data[start + c], data[start + d], at);
  const first = row(top < 1 ? 0 : (top - 1) * width);
  const second = top >= 0 ? row(top * width) : first;
  const third = top + 1 < height ? row((top + 1) * width) : second;
  const fourth = top + 2 < height ? row((top + 2) * width) : third;
  return cubic(first, second, third, fourth, y - top);
}
