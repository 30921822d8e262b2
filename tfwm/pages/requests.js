// Requests to this page's own server: a line of JSON, then the files (see envelope.py).
"use strict";

const TYPE = "application/octet-stream";

function packed(fields, photo) {
  const head = { ...fields, parts: { photo: photo.size } };
  return new Blob([JSON.stringify(head), "\n", photo]);
}

function unpacked(buffer) {
  const bytes = new Uint8Array(buffer);
  const end = bytes.indexOf(10);
  const fields = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  const parts = {};
  let start = end + 1;
  for (const [name, size] of Object.entries(fields.parts)) {
    parts[name] = new Blob([bytes.subarray(start, start + size)]);
    start += size;
  }
  return { fields, parts };
}

async function send(action, fields, photo, signal) {
  let response;
  try {
    response = await fetch("/api/" + action, {
      method: "POST", headers: { "Content-Type": TYPE }, body: packed(fields, photo), signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The demo does not answer: is it still running in the terminal?");
  }
  if (!response.ok) {
    const answer = await response.json().catch(() => ({}));
    throw new Error(answer.error || "The demo answered with an error " + response.status + ".");
  }
  return response;
}

async function ask(action, fields, photo) {
  const response = await send(action, fields, photo);
  return unpacked(await response.arrayBuffer());
}

// The answer comes in lines: progress, again and again, then the result.
async function readMark(fields, photo, tell, signal) {
  const response = await send("read", fields, photo, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("The demo stopped while it was reading.");
    text += value;
    const lines = text.split("\n");
    text = lines.pop();
    for (const line of lines) {
      const answer = JSON.parse(line);
      if (answer.error) throw new Error(answer.error);
      if (answer.result) return answer.result;
      tell(answer.progress, answer.stage);
    }
  }
}
