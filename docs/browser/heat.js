// A heat map as a picture to lay over its slice: orange speaks for it, blue against it, and nothing outside the brain.

const [FOR, AGAINST] = [[213, 94, 0], [0, 114, 178]]; // Okabe and Ito's, told apart by colour-blind readers
const BACKGROUND = 8; // of a stripped slice, with a JPEG's noise
const OPACITY = 0.6;

/**
 * @param {{rows: number, columns: number, values: number[]}} map evidence by place, coarser than the slice
 * @param {Uint8Array} grey the slice, row by row
 * @param {number} width of the slice
 * @returns {ImageData} of the slice's size
 */
export function heatLayer({ rows, columns, values }, grey, width) {
  const height = grey.length / width;
  const scale = Math.max(...values.map(Math.abs)) || 1;
  const brain = brainMask(grey, width);
  const layer = new ImageData(width, height);
  for (let index = 0; index < grey.length; index++) {
    const down = ((Math.floor(index / width) + 0.5) / height) * rows - 0.5;
    const along = (((index % width) + 0.5) / width) * columns - 0.5;
    const evidence = between(values, columns, down, along) / scale;
    layer.data.set(evidence > 0 ? FOR : AGAINST, 4 * index);
    layer.data[4 * index + 3] = brain[index] ? 255 * OPACITY * Math.min(1, Math.abs(evidence)) : 0;
  }
  return layer;
}

// A pixel belongs to the brain when there are bright ones to its left and right, and above and below it.
export function brainMask(grey, width) {
  const inside = new Uint8Array(grey.length).fill(1);
  const height = grey.length / width;
  const sweep = (first, step, count) => {
    for (let n = 0, seen = false; n < count; n++) {
      seen ||= grey[first + n * step] > BACKGROUND;
      if (!seen) inside[first + n * step] = 0;
    }
  };
  for (let row = 0; row < height; row++) {
    sweep(row * width, 1, width);
    sweep((row + 1) * width - 1, -1, width);
  }
  for (let column = 0; column < width; column++) {
    sweep(column, width, height);
    sweep((height - 1) * width + column, -width, height);
  }
  return inside;
}

// Bilinear between the places of a grid, kept within it.
function between(values, columns, down, along) {
  const [y, x] = [Math.max(0, down), Math.max(0, along)];
  const rows = values.length / columns;
  const [top, left] = [Math.min(Math.floor(y), rows - 1), Math.min(Math.floor(x), columns - 1)];
  const [bottom, right] = [Math.min(top + 1, rows - 1), Math.min(left + 1, columns - 1)];
  const of = (row) => values[row * columns + left] * (1 - (x - left)) + values[row * columns + right] * (x - left);
  return of(top) * (1 - (y - top)) + of(bottom) * (y - top);
}
