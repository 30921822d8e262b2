// The p-values of a reading, over the choice of the key: tfwm/payload/evidence.py.

// Correlation of votes with known signs, standardized over all orders of the signs.
export function pilotScore(signs, votes) {
  const seen = Array.from(votes.keys()).filter((i) => votes[i] !== 0);
  const count = seen.length;
  if (count < 2) return 0;
  const sum = (f) => seen.reduce((total, i) => total + f(i), 0);
  const vote = sum((i) => votes[i]) / count;
  const sign = sum((i) => signs[i]) / count;
  const votesSquare = sum((i) => (votes[i] - vote) ** 2);
  const signsSquare = sum((i) => (signs[i] - sign) ** 2);
  const variance = (votesSquare * signsSquare) / (count - 1);
  if (!(variance > 0)) return 0;
  return sum((i) => (votes[i] - vote) * (signs[i] - sign)) / Math.sqrt(variance);
}

// The chance that a normal variable is above z.
export function normalTail(z) {
  if (z < 0) return 1 - normalTail(-z);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z > 2.5) {
    // Laplace's continued fraction of Mills' ratio.
    let fraction = 0;
    for (let n = 200; n > 0; n--) fraction = n / (z + fraction);
    return density / (z + fraction);
  }
  let [term, sum] = [z, z];
  for (let n = 3; term > 1e-18 * sum; n += 2) sum += term *= (z * z) / n;
  return 0.5 - density * sum;
}

// The chance that the largest of so many normal scores reaches this one (Sidak).
export function normalPValue(score, trials = 1) {
  const single = normalTail(score);
  return single === 1 ? 1 : -Math.expm1(trials * Math.log1p(-single));
}

// The logarithm of Chernoff's bound that random signs agree with votes so well.
export function agreementPValue(agreement) {
  const largest = agreement.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const total = agreement.reduce((sum, x) => sum + x, 0) / largest;
  if (!(total > 0)) return 0;
  const votes = Array.from(agreement, (x) => Math.abs(x) / largest);
  let [low, high] = [-12, 12];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    const mean = votes.reduce((sum, vote) => sum + vote * Math.tanh(Math.exp(middle) * vote), 0);
    [low, high] = mean < total ? [middle, high] : [low, middle];
  }
  const logCosh = votes.reduce((sum, vote) => {
    const x = Math.exp(low) * vote;
    return sum + x + Math.log1p(Math.exp(-2 * x)) - Math.LN2;
  }, 0);
  return Math.min(0, logCosh - Math.exp(low) * total);
}

// Bounds the chance that votes without a message give one, by tag and by agreement.
export function messagePValue(agreement, messageBits, tagBits, tries) {
  const byTag = -tagBits * Math.LN2;
  const byAgreement = messageBits * Math.LN2 + agreementPValue(agreement);
  return Math.min(1, tries * Math.exp(Math.min(byTag, byAgreement)));
}
