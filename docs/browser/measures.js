// From one slice's outputs to an answer, by the rule in the record's entry `measures`: the arithmetic of
// alzedge/inference/measures for one slice of unknown height, the rule `anywhere`.

/**
 * @param {object} record of the model file
 * @param {{probabilities: number[], brain_volume?: number, age?: number}} outputs of the network for one slice
 * @returns {{probabilities: number[], brainVolume: Interval | null, apparentAge: Interval | null, stageSet: string[] | null}}
 *     each Interval {value, low, high} of 90 %; stageSet: stages that cannot be ruled out
 */
export function answerOf({ measures, labels }, { probabilities, brain_volume: volume, age }) {
  if (!measures) return { probabilities, brainVolume: null, apparentAge: null, stageSet: null };
  const { anywhere, stage_shares: known } = measures;
  const fewer = Math.max(0, 1 - 1 / anywhere.slices[0]);
  const measured = (rule, output) => (rule && output !== undefined ? interval(rule, output, fewer) : null);
  const volumes = measured(anywhere.brain_volume, volume);
  const answer = {
    probabilities,
    brainVolume: volumes && clipped(volumes, 0, 1),
    apparentAge: clipped(measured(anywhere.age, age), 0, Infinity),
    stageSet: null,
  };
  const rule = anywhere.any_dementia;
  if (!rule) return answer;
  const ratio = likelihoodRatio(rule, probabilities, volume, fewer);
  const ill = logistic(rule.scale * ratio + rule.offset);
  const further = ill * logistic(rule.beyond[0] * ratio + rule.beyond[1]); // mild or moderate dementia
  const share = known[1] / (known[1] + known[2]);
  answer.probabilities = [1 - ill, ill - further, further * share, further * (1 - share)];
  const [none, veryMild, mild, moderate] = answer.probabilities;
  const classes = [none, veryMild, mild + moderate]; // mild and moderate share a limit
  const inside = [0, 1, 2].filter((one) => 1 - classes[one] <= rule.stage_limit[one]);
  // All between the first and the last too, since stages are in order.
  answer.stageSet = labels.filter((_, stage) => inside[0] <= Math.min(stage, 2) && Math.min(stage, 2) <= inside.at(-1));
  return answer;
}

// Bayesian linear regression with one group of levels; see alzedge/inference/measures/regression.py.
function interval({ intercept, slope, covariance, within, mean, variance, factor }, output, fewer) {
  const weight = slope[0] / (covariance[0] + Math.max(within[0], 0) * fewer);
  const precision = slope[0] * weight + 1 / variance;
  const value = (weight * (output - intercept[0]) + mean / variance) / precision;
  const half = factor[0] / Math.sqrt(precision);
  return { value, low: value - half, high: value + half };
}

const logistic = (odds) => 1 / (1 + Math.exp(-odds));

// A Gaussian discriminant on the log odds and, where measured, the brain volume; see discriminant.py.
function likelihoodRatio({ without, with: ill, covariance, within }, probabilities, volume, fewer) {
  const odds = Math.min(Math.max(1 - probabilities[0], 1 / 512), 1 - 1 / 512);
  const features = [Math.log(odds / (1 - odds)), volume].slice(0, without.length);
  const difference = features.map((_, index) => ill[index] - without[index]);
  const centred = features.map((value, index) => value - (ill[index] + without[index]) / 2);
  const [a, b, c] = [covariance[0], covariance[1] ?? 0, covariance[2] ?? 1]; // the lower triangle, row by row
  const [p, q] = [a + Math.max(within[0], 0) * fewer, c + Math.max(within[1] ?? 0, 0) * fewer];
  const [x, y] = [difference[0], difference[1] ?? 0];
  const determinant = p * q - b * b;
  const weights = [(q * x - b * y) / determinant, (p * y - b * x) / determinant];
  return centred.reduce((sum, value, index) => sum + value * weights[index], 0);
}

function clipped(interval, low, high) {
  if (!interval) return null;
  const clip = (value) => Math.min(Math.max(value, low), high);
  return { value: clip(interval.value), low: clip(interval.low), high: clip(interval.high) };
}
