// The worker of the page: reads and marks photos. No module, since LiteRT.js calls importScripts.

let tools;

async function opened(base, network) {
  const at = (name) => new URL(`js/${name}`, base).href;
  const [runtime, watermarker, picture] = await Promise.all(
    ["runtime.js", "watermarker.js", "picture.js"].map((name) => import(at(name))),
  );
  await picture.checkReadBack();
  return { picture, watermarker: new watermarker.Watermarker(await runtime.Network.open(base, network)) };
}

const TASKS = {
  async open({ base, network }) {
    tools = await opened(base, network);
    return { network: tools.watermarker.network.name, maxBytes: tools.watermarker.codec().maxBytes };
  },

  async read({ file, key, search }, progress) {
    const photo = await tools.picture.decoded(file);
    return { ...(await tools.watermarker.extract(photo, { key, search, progress })), width: photo.width, height: photo.height };
  },

  async mark({ file, key, message }) {
    const photo = await tools.picture.decoded(file);
    const why = photo.transparent ? "is transparent in places" : photo.deep ? "has 16 bits a color" : null;
    if (why) throw new Error(`${file.name} ${why}, which a page cannot keep: mark it with the command tfwm embed.`);
    const { marked, ...how } = await tools.watermarker.embed(photo, message, { key, name: file.name });
    return { ...how, png: await tools.picture.pngOf(marked) };
  },
};

self.onmessage = async ({ data: { task, values } }) => {
  const progress = (share, stage) => self.postMessage({ progress: { share, stage } });
  try {
    self.postMessage({ result: await TASKS[task](values, progress) });
  } catch (error) {
    self.postMessage({ error: String(error.message ?? error).split("\n")[0] });
  }
};
