// From grey pixels to the network's input before quantization: whole numbers, so that every language gets the same bits.

/**
 * @param {object} preprocessing of the model file's record
 * @returns {(grey: Uint8Array, width: number) => Uint8Array} rounded means of the square blocks, row by row
 */
export function preprocessor({ steps = [], lookup, shrink, divide_by, ...unknown }) {
  const white = steps.length === 1 && steps[0] === "white";
  if (Object.keys(unknown).length || divide_by !== 255 || (steps.length && !lookup && !white)) {
    throw new Error("The model asks for unknown preprocessing.");
  }
  const table = Uint8Array.from(lookup ?? Array(256).keys()); // what the steps make of each grey
  return (grey, width) => blockMeans(grey, width, shrink, white ? whiteTable(grey) : table);
}

// The step "white": white matter gets the same brightness on every slice; see alzedge/imaging/steps.py.
function whiteTable(grey) {
  const counts = new Uint32Array(256);
  for (const value of grey) counts[value]++;
  counts.fill(0, 0, 6);
  const number = Math.floor((counts.reduce((a, b) => a + b, 0) * 85) / 100);
  let white = 0;
  for (let darker = counts[0]; white < 256 && darker <= number; darker += counts[++white] ?? 0);
  white = Math.max(white % 256, 20); // 256: there is no tissue at all
  return Uint8Array.from({ length: 256 }, (_, value) =>
    value < 4 ? 0 : Math.min(255, Math.floor((170 * value + (white >> 1)) / white)),
  );
}

function blockMeans(grey, width, shrink, table) {
  const [rows, columns] = [grey.length / width / shrink, width / shrink];
  const means = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let sum = 0;
      for (let y = row * shrink; y < (row + 1) * shrink; y++) {
        for (let x = column * shrink; x < (column + 1) * shrink; x++) sum += table[grey[y * width + x]];
      }
      means[row * columns + column] = Math.floor((sum + ((shrink * shrink) >> 1)) / (shrink * shrink));
    }
  }
  return means;
}

/**
 * Age and sex as the input `demographics` of a file that weighs them; all 0 where nothing is known.
 * @param {object | undefined} entry the record's `demographics`
 * @param {{age?: number, sex?: "F" | "M"}} told of the person
 * @returns {Float32Array | null} null: a file of the image alone
 */
export function coded(entry, { age = null, sex = null }) {
  if (!entry) return null;
  const { mean, deviation, youngest, oldest } = entry.age;
  const years = age === null ? mean : Math.min(Math.max(age, youngest), oldest);
  return Float32Array.of((years - mean) / deviation, age === null ? 0 : 1, sex === "F" ? 1 : 0, sex === "M" ? 1 : 0);
}
