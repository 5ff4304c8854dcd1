// The guard: tells axial brain MRI slices from other pictures, before the network is asked. The arithmetic of
// alzedge/inference/guard.py: principal-component models of 16 x 16 block means, one for each band of heights, in the record.

const BLOCK = 16;

/**
 * Read the record's guard.
 * @param {object | undefined} entry `guard` of the record
 * @returns {((grey: Uint8Array, width: number) => number) | null} unlikeness of a slice, above 1 is refused; null: no guard
 */
export function readGuard(entry) {
  if (!entry) return null;
  if (entry.block !== BLOCK) throw new Error("The model carries a guard unknown to this page.");
  const [mean, components, variance] = entry.bands
    ? [numbers(entry.mean, Uint8Array, 1 / 256), numbers(entry.components, Int8Array, entry.scale), entry.variance]
    : [entry.mean, entry.components, entry.variance].map(halves); // of version 0.1: one band
  const residuals = [entry.residual].flat();
  return (grey, width) => {
    const means = blockMeans(grey, width);
    const distances = residuals.map((residual, band) => {
      const offset = means.map((value, index) => value - mean[band * means.length + index]);
      return distance(offset, components, variance, residual);
    });
    return Math.min(...distances) / entry.threshold;
  };
}

function distance(offset, components, variance, residual) {
  const outside = Float64Array.from(offset);
  let within = 0;
  variance.forEach((spread, k) => {
    const component = components.subarray(k * offset.length, (k + 1) * offset.length);
    const along = component.reduce((sum, value, index) => sum + value * offset[index], 0);
    component.forEach((value, index) => (outside[index] -= along * value));
    within += along ** 2 / spread;
  });
  const error = outside.reduce((sum, value) => sum + value ** 2, 0);
  return error / residual + within / variance.length;
}

function blockMeans(grey, width) {
  const columns = width / BLOCK;
  const sums = new Float64Array(grey.length / BLOCK ** 2);
  grey.forEach((value, index) => {
    sums[Math.floor(index / width / BLOCK) * columns + Math.floor((index % width) / BLOCK)] += value;
  });
  return sums.map((sum) => sum / (255 * BLOCK ** 2));
}

function decoded(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

// Bytes in base64, signed or not, times a step.
function numbers(text, Kind, step) {
  return Float64Array.from(new Kind(decoded(text).buffer), (value) => value * step);
}

// Little-endian 16-bit floats in base64; browsers have no array of them everywhere.
function halves(text) {
  const bytes = decoded(text);
  const view = new DataView(bytes.buffer);
  return Float64Array.from({ length: bytes.length / 2 }, (_, index) => {
    const bits = view.getUint16(2 * index, true);
    const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });
}
