// A photo of the golden cases as the page has it.

export function photoOf({ width, height, rgb }) {
  const levels = Buffer.from(rgb, "hex");
  const pixels = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) pixels[4 * i + c] = levels[3 * i + c];
  }
  return { width, height, pixels };
}
