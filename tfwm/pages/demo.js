"use strict";

const settings = JSON.parse(document.getElementById("settings").textContent);
const $ = (id) => document.getElementById(id);
// The server keeps nothing: the photos live here and go along with every request.
const state = { photo: null, name: "", marked: null, base: null, copy: null };
const STAGES = {
  none: "as it is", crop: "cut, mirrored, turned by 90°", scale: "resized",
  rotate: "turned by a few degrees", all: "turned and resized",
};

function complain(place, error) {
  const line = $(place + "-error");
  line.hidden = !error;
  line.textContent = error ? error.message || String(error) : "";
}

// One action at a time for each step; whatever goes wrong becomes one line beside it.
async function attempt(place, action) {
  complain(place, null);
  document.body.classList.add("busy");
  try {
    await action();
    return true;
  } catch (error) {
    if (error.name !== "AbortError") complain(place, error);
    return false;
  } finally {
    document.body.classList.remove("busy");
  }
}

const addresses = {};
function show(id, blob) {
  if (addresses[id]) URL.revokeObjectURL(addresses[id]);
  addresses[id] = URL.createObjectURL(blob);
  $(id).src = addresses[id];
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function facts(id, pairs) {
  $(id).replaceChildren(...pairs.filter(([, value]) => value !== null).map(([name, value]) => {
    const group = document.createElement("div");
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    group.append(term, text);
    return group;
  }));
}

const size = (bytes) => bytes < 1e6 ? Math.ceil(bytes / 1e3) + " kB" : (bytes / 1e6).toFixed(1) + " MB";
const stem = () => state.name.replace(/\.[^.]*$/, "") || "photo";
const few = (text) => text.length > 40 ? text.slice(0, 39) + "…" : text;

// 1. Photo

async function choose(file) {
  await attempt("photo", async () => {
    if (file.size > settings.max_body) {
      throw new Error(`${few(file.name)} is too large: ${size(file.size)}, at most ${size(settings.max_body)} fit this page.`);
    }
    const { fields, parts } = await ask("open", { name: file.name }, file);
    Object.assign(state, { photo: file, name: file.name, marked: null, base: null, copy: null });
    show("photo-image", parts.view);
    $("photo-view").hidden = false;
    $("photo-facts").textContent = [
      `${file.name}: ${fields.width} × ${fields.height} pixels, ${size(file.size)}`, ...fields.notes,
    ].join("; ");
    $("as-is-row").hidden = false;
    $("mark-fields").disabled = false;
    $("damage-fields").disabled = $("read-fields").disabled = true;
    for (const id of ["mark-view", "copy-view", "verdict"]) $(id).hidden = true;
    for (const place of ["mark", "save", "damage", "read"]) complain(place, null);
  });
}

$("file").addEventListener("change", (event) => {
  if (event.target.files[0]) choose(event.target.files[0]);
});
$("example").addEventListener("click", () => attempt("photo", async () => {
  const response = await fetch("/example.png");
  await choose(new File([await response.blob()], "coffee.png"));
}));
watchDrops(choose);
$("as-is").addEventListener("click", () => {
  state.base = state.photo;
  $("mark-view").hidden = true;
  damage();
  $("damage-step").scrollIntoView();
});

// 2. Mark

function countBytes() {
  const used = new TextEncoder().encode($("message").value).length;
  $("message-size").textContent = `${used} of ${settings.max_message} bytes`;
  $("message-size").classList.toggle("over", used > settings.max_message);
}
$("message").addEventListener("input", countBytes);
countBytes();

const how = () => document.querySelector("input[name=how]:checked").value;
for (const radio of document.querySelectorAll("input[name=how]")) {
  radio.addEventListener("change", () => {
    $("strength-row").hidden = how() !== "strength";
    $("psnr-row").hidden = how() !== "psnr";
  });
}

$("mark-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("mark").disabled = true;
  $("mark").textContent = "Marking …";
  const done = await attempt("mark", async () => {
    const request = { name: state.name, message: $("message").value, key: $("key").value };
    request[how()] = Number($(how()).value);
    const { fields, parts } = await ask("mark", request, state.photo);
    state.marked = state.base = parts.marked;
    for (const part of ["original", "marked", "residual"]) show(part + "-image", parts[part + "_view"]);
    facts("mark-facts", [
      ["PSNR", fields.psnr === null ? "no change" : fields.psnr.toFixed(2) + " dB"],
      ["SSIM", fields.ssim === null ? null : fields.ssim.toFixed(4)],
      ["Strength", fields.strength.toPrecision(3)],
      ["Reads back", fields.readable ? "yes" : "no: raise the strength, or shorten the message"],
    ]);
    $("save-status").textContent = "";
    $("mark-view").hidden = false;
    $("read-key").value = $("key").value;
  });
  $("mark").disabled = false;
  $("mark").textContent = "Mark the photo";
  if (done) damage();
});

for (const radio of document.querySelectorAll("input[name=look]")) {
  radio.addEventListener("change", () => {
    $("compare").hidden = radio.value !== "compare";
    $("residual").hidden = radio.value !== "residual";
  });
}

$("save-format").addEventListener("change", () => {
  document.querySelector(".quality").hidden = !["jpg", "avif"].includes($("save-format").value);
});
$("save").addEventListener("click", () => attempt("save", async () => {
  const format = $("save-format").value;
  const request = { name: state.name, format, key: $("key").value, quality: Number($("save-quality").value) };
  const { fields, parts } = await ask("save", request, state.marked);
  download(parts.file, `${stem()}-marked.${format}`);
  $("save-status").textContent = `${size(fields.size)}, read back: mark ${fields.decision}.`;
}));

// 3. Damage

function damages() {
  const values = {};
  for (const input of document.querySelectorAll("[data-damage]")) {
    values[input.dataset.damage] = input.type === "checkbox" ? Number(input.checked) : Number(input.value);
  }
  const format = $("copy-format").value;
  return {
    name: state.name, damages: values, service: $("service").value || null, format,
    quality: Number($("quality").value),
  };
}

// While one request is under way, only the latest further wish is kept.
let damaging = false;
let wanted = false;
async function damage() {
  if (!state.base) return;
  outdate();
  wanted = true;
  if (damaging) return;
  damaging = true;
  while (wanted) {
    wanted = false;
    const base = state.base;
    const done = await attempt("damage", async () => {
      const { fields, parts } = await ask("damage", damages(), base);
      if (base !== state.base) return;
      state.copy = parts.copy;
      show("copy-image", parts.copy);
      $("copy-view").hidden = false;
      $("copy-facts").textContent = `${fields.width} × ${fields.height} pixels, ${size(fields.size)}`;
    });
    if (!done) state.copy = null;
    $("damage-fields").disabled = false;
    $("read-fields").disabled = !state.copy;
  }
  damaging = false;
}

function outputs() {
  for (const output of document.querySelectorAll("output")) {
    const input = $(output.htmlFor.value);
    output.textContent = input.value.replace("-", "−") + (input.dataset.unit || "");
  }
}
for (const input of document.querySelectorAll("input[type=range]")) input.addEventListener("input", outputs);
outputs();

function changed() {
  $("quality-row").hidden = $("copy-format").value === "png";
  damage();
}
for (const input of document.querySelectorAll("#damage-fields input, #damage-fields select")) {
  input.addEventListener("input", changed);
}
$("reset").addEventListener("click", () => {
  for (const input of document.querySelectorAll("#damage-fields input")) {
    input.value = input.defaultValue;
    input.checked = false;
  }
  $("service").value = "";
  $("copy-format").selectedIndex = 0;
  outputs();
  changed();
});
$("save-copy").addEventListener("click", () => {
  if (state.copy) download(state.copy, `${stem()}-copy.${$("copy-format").value}`);
});

// 4. Read

function outdate() {
  if (reading) reading.abort();
  $("verdict").classList.add("stale");
  $("stale").hidden = false;
}
for (const id of ["read-key", "search"]) $(id).addEventListener("input", outdate);

let reading = null;
$("read-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (reading) reading.abort();
  const mine = reading = new AbortController();
  const bar = document.querySelector("progress");
  bar.value = 0;
  $("stage").textContent = "";
  $("progress").hidden = $("cancel").hidden = false;
  $("read").disabled = true;
  $("verdict").hidden = $("read-hint").hidden = true;
  await attempt("read", async () => {
    const request = { name: "The copy", key: $("read-key").value, search: $("search").value };
    const result = await readMark(request, state.copy, (share, stage) => {
      bar.value = share;
      $("stage").textContent = `Looking for it ${STAGES[stage] || stage}`;
    }, mine.signal);
    judge(result);
  });
  if (reading === mine) {
    reading = null;
    $("progress").hidden = $("cancel").hidden = true;
    $("read").disabled = false;
  }
});
$("cancel").addEventListener("click", () => reading && reading.abort());

function judge(result) {
  const verdict = $("verdict");
  verdict.className = "verdict " + result.decision;
  const decisions = { present: "✓ Present", copied: "✗ Copied", absent: "Absent", uncertain: "Uncertain" };
  $("decision").textContent = decisions[result.decision];
  $("found-message").textContent = result.message ?? "";
  $("found-message").hidden = result.message === null;
  $("reason").textContent = result.reason[0].toUpperCase() + result.reason.slice(1) + ".";
  $("p-value").textContent = result.p_text;
  $("limit").textContent = result.limit_text;
  $("meter").setAttribute("aria-valuenow", (24 * result.evidence).toFixed(1));
  $("meter").setAttribute("aria-valuetext", "p-value " + result.p_text);
  verdict.style.setProperty("--share", 100 * result.evidence + "%");
  verdict.style.setProperty("--limit", 100 * result.limit + "%");
  facts("read-facts", [
    ["Least sure bit", result.least_confidence === null ? null : (100 * result.least_confidence).toFixed(2) + " %"],
    ["Corrected errors", result.corrected_errors],
    ["Alignment found", result.alignment || null],
    ["Time", result.seconds.toFixed(1) + " s"],
  ]);
  $("stale").hidden = true;
  verdict.hidden = false;
}
