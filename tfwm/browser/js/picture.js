// Photos from files, by the browser's own decoders, and PNG files of marked ones.

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const ICC = "ICC_PROFILE\0";

const ascii = (bytes, start, length) => String.fromCharCode(...bytes.subarray(start, start + length));

// { width, height, pixels, transparent, deep, profile } of a file: RGBA with 8 bits as they are in
// the file, upright by its EXIF orientation, their colors not converted.
export async function decoded(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (!bytes.length) throw new Error(`${file.name} is empty (0 bytes): copy or download the photo again.`);
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Error(`${file.name} is no photo that this browser can read: convert it to PNG or JPEG.`);
  }
  const { width, height } = bitmap;
  const pixels = readBack(bitmap, width, height);
  bitmap.close();
  if (!pixels) throw new Error(`${file.name} has ${width} x ${height} pixels, too many for this browser: use the command tfwm.`);
  let transparent = false;
  for (let i = 3; i < pixels.length && !transparent; i += 4) transparent = pixels[i] < 255;
  const png = PNG.every((byte, i) => bytes[i] === byte);
  return { width, height, pixels, transparent, deep: png && bytes[24] === 16, profile: await profileOf(bytes, png) };
}

// The pixels of a picture, null if the browser cannot hold them.
function readBack(bitmap, width, height) {
  try {
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, width, height).data;
  } catch {
    return null;
  }
}

// Some browsers change what a page reads back, against tracking: then nothing here is right.
export async function checkReadBack() {
  const [width, height] = [64, 16];
  const pixels = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256));
  const bitmap = await createImageBitmap(new ImageData(pixels.slice(), width, height));
  const found = readBack(bitmap, width, height);
  if (found && pixels.every((level, i) => level === found[i])) return;
  throw new Error("This browser changes the pixels that a page reads, as a protection against tracking: allow them for this page, or take another browser.");
}

// The color profile of a PNG or JPEG file as the body of PNG's chunk iCCP, or null.
async function profileOf(bytes, png) {
  const view = new DataView(bytes.buffer);
  if (png) {
    for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
      if (ascii(bytes, at + 4, 4) === "iCCP") return bytes.slice(at + 8, at + 8 + view.getUint32(at));
      if (ascii(bytes, at + 4, 4) === "IDAT") return null;
    }
    return null;
  }
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  const parts = [];
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda; at += 2 + view.getUint16(at + 2)) {
    if (bytes[at + 1] === 0xe2 && ascii(bytes, at + 4, 12) === ICC) {
      parts[bytes[at + 16] - 1] = bytes.subarray(at + 18, at + 2 + view.getUint16(at + 2));
    }
  }
  if (!parts.length || parts.includes(undefined)) return null;
  const head = new TextEncoder().encode("ICC\0\0");
  return new Uint8Array(await new Blob([head, await deflated(new Blob(parts))]).arrayBuffer());
}

async function deflated(blob) {
  return new Response(blob.stream().pipeThrough(new CompressionStream("deflate"))).arrayBuffer();
}

// The bytes of a PNG file with R, G and B of a photo, and its color profile.
export async function pngOf({ width, height, pixels, profile }) {
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head.set([8, 2, 0, 0, 0], 8);
  const data = new Uint8Array(await deflated(new Blob([filtered(width, height, pixels)])));
  const chunks = [chunk("IHDR", head), ...(profile ? [chunk("iCCP", profile)] : []), chunk("IDAT", data), chunk("IEND", new Uint8Array())];
  return new Blob([new Uint8Array(PNG), ...chunks], { type: "image/png" });
}

// Rows of R, G and B, each under the filter, of three, that leaves the smallest numbers.
function filtered(width, height, pixels) {
  const row = 3 * width;
  const result = new Uint8Array(height * (row + 1));
  let above = new Uint8Array(row);
  const tries = [new Uint8Array(row), new Uint8Array(row), new Uint8Array(row)];
  for (let y = 0; y < height; y++) {
    const here = new Uint8Array(row);
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) here[3 * x + c] = pixels[4 * (y * width + x) + c];
    }
    const sums = [0, 0, 0];
    for (let i = 0; i < row; i++) {
      const [left, up, corner] = [i > 2 ? here[i - 3] : 0, above[i], i > 2 ? above[i - 3] : 0];
      tries[0][i] = here[i] - left;
      tries[1][i] = here[i] - up;
      tries[2][i] = here[i] - paeth(left, up, corner);
      for (let n = 0; n < 3; n++) sums[n] += tries[n][i] < 128 ? tries[n][i] : 256 - tries[n][i];
    }
    const best = sums.indexOf(Math.min(...sums));
    result[y * (row + 1)] = [1, 2, 4][best];
    result.set(tries[best], y * (row + 1) + 1);
    above = here;
  }
  return result;
}

function paeth(left, up, corner) {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

function chunk(name, body) {
  const bytes = new Uint8Array(body.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(body, 8);
  view.setUint32(body.length + 8, crc(bytes.subarray(4, body.length + 8)));
  return bytes;
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = CRC[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
