// The decision whether a photo carries a mark, from all readings of it: tfwm/marking/judge.py.

import { bindingOf } from "./binding.js";

const READABLE_SCORE = 3;
const READABLE_FOUND = 4.5;
const DOUBT = 1e-3;

export class Judge {
  // Without a network, the binding to the photo is not looked at.
  constructor(codec, falsePositiveRate, network = null) {
    this.codec = codec;
    this.network = network;
    this.rate = falsePositiveRate;
    this.decoded = null;
    this.best = new Map();
    this.trials = new Map();
    this.readings = 0;
  }

  // Adds the votes at an alignment, and their cells; `trials` were looked at so far, in all stages.
  add(stage, alignment, votes, trials, cells = null) {
    const score = this.codec.pilotScore(votes);
    let earlier = 0;
    for (const [name, count] of this.trials) if (name !== stage) earlier += count;
    this.trials.set(stage, trials - earlier);
    if (score > (this.best.get(stage)?.score ?? -Infinity)) this.best.set(stage, { score, alignment, votes, cells });
    const least = stage === "none" ? READABLE_SCORE : READABLE_FOUND;
    if (score >= least || !this.codec.pilots.length) {
      this.readings++;
      this.decoded = this.codec.decode(votes);
      this.read = { alignment, votes, cells };
    }
  }

  extraction() {
    let [least, place] = [Infinity, null];
    for (const [stage, { score, ...best }] of this.best) {
      const value = this.codec.pValue(score, this.trials.get(stage));
      if (value < least) [least, place] = [value, best];
    }
    if (!place) return this.result(1, null, "the photo is too small for this network");
    const count = this.best.size;
    const pValue = -Math.expm1(count * Math.log1p(-Math.min(least, 1 - 1e-16)));
    if (!this.decoded) return this.result(pValue, place);
    return this.result(Math.min(pValue, 2 * this.readings * this.decoded.tagPValue), this.read);
  }

  result(pValue, place, reason = null) {
    const found = this.decoded;
    const looked = pValue <= this.rate && this.network && place?.cells && (!found || found.bound);
    const signs = looked && found ? this.codec.knownSigns(place.votes, found.kind, found.data, found.bound) : undefined;
    const binding = looked ? bindingOf(this.codec, this.network, place.cells, signs) : null;
    const [decision, why] = this.decide(found, pValue, binding);
    return {
      message: found ? found.message : null,
      kind: found ? found.kind : null,
      decision,
      reason: reason ?? why,
      pValue,
      falsePositiveRate: this.rate,
      margin: found ? this.codec.margin(place.votes, found.kind, found.data, found.bound) : null,
      correctedErrors: found ? found.correctedErrors : null,
      binding,
      alignment: place && place.alignment,
      votes: place && place.votes,
    };
  }

  decide(found, pValue, binding) {
    if (pValue <= this.rate) return found ? withMessage(found, binding) : withoutMessage(this.network, binding);
    if (found || pValue <= Math.max(DOUBT, this.rate)) {
      return ["uncertain", "there are traces of a mark of this key, more than chance usually gives"];
    }
    return [
      "absent",
      "no mark of this key and network was found: the photo is unmarked, or was marked " +
        "with another key or network, or is too damaged",
    ];
  }
}

// Decision and reason for a message whose tag fits.
function withMessage(found, binding) {
  if (!found.bound) return ["present", "a message was read and its authentication tag fits"];
  if (!binding) {
    return [
      "present",
      "a message was read and its authentication tag fits; whether it was made for this photo was not looked at",
    ];
  }
  if (binding.fits) {
    return ["present", "a message was read, its authentication tag fits, and so does the photo"];
  }
  if (binding.fits === false) {
    return [
      "copied",
      "a message of this key was read, but its mark does not fit what this photo shows: it was carried here from " +
        "another picture, or photo or mark were changed a lot",
    ];
  }
  if (binding.plain) {
    return [
      "present",
      "a message was read and its authentication tag fits; the picture shows too little to tell whether it was " +
        "made for it",
    ];
  }
  return [
    "uncertain",
    "a message of this key was read, but too little is left of its mark to tell whether it was made for this photo",
  ];
}

// Decision and reason for a mark without a readable message.
function withoutMessage(bound, binding) {
  const why = "the mark of this key is there, but too damaged for its message to be read";
  if (!bound) return ["present", why];
  if (binding?.fits) return ["present", `${why}; it was made for this photo`];
  return ["uncertain", `${why}, or to tell whether it was made for this photo`];
}
