// The page itself: choose a photo, read it, mark it. All work is done by worker.js.

const $ = (id) => document.getElementById(id);
const { network, version } = JSON.parse($("settings").textContent);
const base = new URL("./", location.href).href;
const DECISIONS = { present: "✓ Present", copied: "✗ Copied", absent: "Absent", uncertain: "Uncertain" };
const STAGES = {
  none: "as it is", crop: "cut, mirrored, quarter turns", scale: "other sizes", rotate: "turned a little",
  all: "turned and resized",
};

// A worker from a blob has the policy of this page; one from a file would have none.
function started() {
  const script = `importScripts(${JSON.stringify(new URL("js/worker.js", base).href)})`;
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const worker = new Worker(address);
  return { worker, ready: ask(worker, "open", { base, network }) };
}

function ask(worker, task, values, tell = () => {}) {
  return new Promise((resolve, reject) => {
    worker.onerror = () => reject(new Error("This page cannot be run by this browser, or not all of its files are here: update the browser, or copy the whole folder."));
    worker.onmessage = ({ data }) => {
      if (data.progress) tell(data.progress.share, data.progress.stage);
      else if (data.error) reject(new Error(data.error));
      else resolve(data.result);
    };
    worker.postMessage({ task, values });
  });
}

let engine = null;
let photo = null;
let busy = false;
let shown = null;

function restart() {
  engine?.worker.terminate();
  engine = started();
  engine.ready.then(
    (facts) => {
      $("state").textContent = `Ready. Network ${facts.network}, tfwm ${version}.`;
      document.documentElement.dataset.state = "ready";
      limits(facts.maxBytes);
    },
    (error) => {
      $("state").textContent = "";
      complain("photo", error.message);
      document.documentElement.dataset.state = "failed";
    },
  );
}

function complain(place, text) {
  $(`${place}-error`).textContent = text ?? "";
  $(`${place}-error`).hidden = !text;
}

// One task at a time; an error is one line at its place.
async function attempt(place, task) {
  if (busy) return;
  complain(place, null);
  setBusy(true);
  try {
    await engine.ready;
    await task();
  } catch (error) {
    complain(place, error.message);
  }
  setBusy(false);
}

function setBusy(value) {
  busy = value;
  document.documentElement.toggleAttribute("data-busy", value);
  for (const id of ["read", "mark", "file"]) $(id).disabled = value;
  if (!value) $("stop").hidden = $("progress").hidden = true;
}

function facts(id, pairs) {
  $(id).replaceChildren(...pairs.filter(([, value]) => value !== null).map(([name, value]) => {
    const group = document.createElement("div");
    const [term, text] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = name;
    text.textContent = value;
    group.append(term, text);
    return group;
  }));
}

const small = (value) => (value === 0 ? "below 1e-300" : value < 0.01 ? value.toExponential(1) : value.toFixed(2));
const key = () => $("key").value || null;

// 1. Photo

function choose(file) {
  if (busy || !file) return;
  photo = file;
  $("photo-facts").textContent = file.name;
  if (shown) URL.revokeObjectURL(shown);
  shown = URL.createObjectURL(file);
  $("photo-image").src = shown;
  $("photo-view").hidden = false;
  $("verdict").hidden = $("marked").hidden = true;
  $("read-fields").disabled = $("mark-fields").disabled = false;
  complain("mark", null);
  read();
}

$("photo-image").addEventListener("error", () => ($("photo-view").hidden = true));
$("file").addEventListener("change", (event) => choose(event.target.files[0]));
watchDrops(choose);

// 2. Read

function read() {
  $("verdict").hidden = true;
  return attempt("read", async () => {
    $("stop").hidden = $("progress").hidden = false;
    document.querySelector("progress").value = 0;
    $("stage").textContent = "";
    const tell = (share, stage) => {
      document.querySelector("progress").value = share;
      $("stage").textContent = `Looking for a copy that was ${STAGES[stage]} …`.replace("was as it is", "was not changed");
    };
    const found = await ask(engine.worker, "read", { file: photo, key: key(), search: $("search").value }, tell);
    tellVerdict(found);
  });
}

function tellVerdict(found) {
  $("verdict").className = `verdict ${found.decision}`;
  $("decision").textContent = DECISIONS[found.decision];
  $("found-message").textContent = found.message ?? "";
  $("found-message").hidden = found.message === null;
  $("reason").textContent = `${found.reason[0].toUpperCase()}${found.reason.slice(1)}.`;
  facts("verdict-facts", [
    ["p-value", small(found.pValue)],
    ["Counts as present up to", small(found.falsePositiveRate)],
    ["Signal, times what it needs", found.margin === null ? null : found.margin.toFixed(1)],
    ["Code bits corrected", found.correctedErrors],
    ["Kind of message", found.kind],
    ["Host to ask about it", found.signpost],
    ["Read with", key() === null ? "the public key" : "your key"],
    ["Pixels", `${found.width} × ${found.height}`],
  ]);
  $("verdict").dataset.result = JSON.stringify(found);
  $("verdict").hidden = false;
}

// What it says is of another key or search.
for (const id of ["key", "search"]) $(id).addEventListener("input", () => $("verdict").classList.add("stale"));
$("read-form").addEventListener("submit", (event) => {
  event.preventDefault();
  read();
});
$("stop").addEventListener("click", () => {
  setBusy(false);
  restart();
});

// 3. Mark

function limits(most) {
  const count = () => {
    const used = new TextEncoder().encode($("message").value).length;
    $("message-size").textContent = `${used} of ${most} bytes`;
    $("message-size").classList.toggle("over", used > most);
  };
  $("message").oninput = count;
  count();
}

let download = null;
$("mark-form").addEventListener("submit", (event) => {
  event.preventDefault();
  $("marked").hidden = true;
  attempt("mark", async () => {
    const { png, ...made } = await ask(engine.worker, "mark", { file: photo, key: key(), message: $("message").value });
    if (download) URL.revokeObjectURL(download);
    download = URL.createObjectURL(png);
    $("save").href = download;
    $("save").download = `${photo.name.replace(/\.[^.]*$/, "") || "photo"}-marked.png`;
    facts("mark-facts", [
      ["PSNR", `${made.psnr.toFixed(2)} dB`],
      ["Strength", made.strength.toPrecision(3)],
      ["Signal, times what it needs", made.margin.toFixed(1)],
      ["Marked with", key() === null ? "the public key" : "your key"],
    ]);
    $("marked").dataset.result = JSON.stringify(made);
    $("marked").hidden = false;
  });
});

restart();
