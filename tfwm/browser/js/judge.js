// The decision whether a photo carries a mark, from all readings of it: tfwm/marking/judge.py.

const READABLE_SCORE = 3;
const READABLE_FOUND = 4.5;
const DOUBT = 1e-3;

export class Judge {
  constructor(codec, falsePositiveRate) {
    this.codec = codec;
    this.rate = falsePositiveRate;
    this.decoded = null;
    this.best = new Map();
    this.trials = new Map();
    this.readings = 0;
  }

  // Adds the votes at an alignment; `trials` were looked at so far, in all stages.
  add(stage, alignment, votes, trials) {
    const score = this.codec.pilotScore(votes);
    let earlier = 0;
    for (const [name, count] of this.trials) if (name !== stage) earlier += count;
    this.trials.set(stage, trials - earlier);
    if (score > (this.best.get(stage)?.score ?? -Infinity)) this.best.set(stage, { score, alignment, votes });
    const least = stage === "none" ? READABLE_SCORE : READABLE_FOUND;
    if (score >= least || !this.codec.pilots.length) {
      this.readings++;
      this.decoded = this.codec.decode(votes);
      this.read = { alignment, votes };
    }
  }

  extraction() {
    let [least, place] = [Infinity, null];
    for (const [stage, { score, alignment, votes }] of this.best) {
      const value = this.codec.pValue(score, this.trials.get(stage));
      if (value < least) [least, place] = [value, { alignment, votes }];
    }
    if (!place) return this.result(1, null, "the photo is too small for this network");
    const count = this.best.size;
    const pValue = -Math.expm1(count * Math.log1p(-Math.min(least, 1 - 1e-16)));
    if (!this.decoded) return this.result(pValue, place);
    return this.result(Math.min(pValue, 2 * this.readings * this.decoded.tagPValue), this.read);
  }

  result(pValue, place, reason = null) {
    const found = this.decoded;
    const [decision, why] = this.decide(found, pValue);
    return {
      message: found ? found.message : null,
      kind: found ? found.kind : null,
      decision,
      reason: reason ?? why,
      pValue,
      falsePositiveRate: this.rate,
      margin: found ? this.codec.margin(place.votes, found.kind, found.data, found.bound) : null,
      correctedErrors: found ? found.correctedErrors : null,
      alignment: place && place.alignment,
      votes: place && place.votes,
    };
  }

  decide(found, pValue) {
    if (found && pValue <= this.rate) {
      const binding = found.bound ? "; whether it was made for this photo was not looked at" : "";
      return ["present", `a message was read and its authentication tag fits${binding}`];
    }
    if (pValue <= this.rate) {
      return ["present", "the mark of this key is there, but too damaged for its message to be read"];
    }
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
