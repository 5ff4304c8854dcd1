// An AlzEdge student in LiteRT.js: grey pixels in, probabilities out, with the integers that Python uses.

import { getDefaultEnvironment, getGlobalLiteRt, loadLiteRt } from "@litertjs/core";
import { quantization, readModelFile } from "./modelfile.js";

// litert::ElementType of the tensors that AlzEdge exports, and what holds their values in JavaScript.
const ARRAYS = { 1: Float32Array, 7: Int16Array, 9: Int8Array };

/**
 * Load a model file.
 * @param {string} model address of a .tflite file made by `alzedge export`
 * @param {string} wasm address of the folder node_modules/@litertjs/core/wasm/
 */
export async function loadClassifier(model, wasm) {
  const [response] = await Promise.all([fetch(model), loadLiteRt(wasm)]);
  if (!response.ok) throw new Error(`${model}: the server answers ${response.status}; copy the model file there.`);
  const file = await readModelFile(new Uint8Array(await response.arrayBuffer()));
  return new Classifier(file, await compile(file.flatbuffer));
}

class Classifier {
  constructor({ labels, record }, network) {
    const { steps, lookup, shrink, divide_by, ...unknown } = record.preprocessing;
    if (Object.keys(unknown).length || divide_by !== 255 || (steps && !lookup)) {
      throw new Error("The model asks for unknown preprocessing.");
    }
    Object.assign(this, { labels, record, network, shrink });
    this.lookup = Uint8Array.from(lookup ?? Array(256).keys()); // what the steps make of each grey
    this.height = network.rows * shrink;
    this.width = network.columns * shrink;
  }

  /**
   * @param {Uint8Array} grey height x width pixels, row by row
   * @returns {Promise<number[]>} probabilities in the order of `labels`
   */
  async probabilities(grey) {
    const values = await this.network.run(this.#blockMeans(grey));
    const sum = values.reduce((a, b) => a + b, 0);
    return values.map((value) => value / sum);
  }

  // Whole numbers, so that every language gets the same bits.
  #blockMeans(grey) {
    const { rows, columns } = this.network;
    const { lookup, shrink, width } = this;
    const means = new Uint8Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let y = row * shrink; y < (row + 1) * shrink; y++) {
          for (let x = column * shrink; x < (column + 1) * shrink; x++) sum += lookup[grey[y * width + x]];
        }
        means[row * columns + column] = Math.floor((sum + (shrink * shrink >> 1)) / (shrink * shrink));
      }
    }
    return means;
  }
}

// LiteRT.js 2.5.3 runs int8 models, but its `Tensor` and `loadAndCompile` know float32, int32 and uint8 only ("Element
// type INT8 is not supported."). So this speaks to the layer below them, `liteRtWasm`, in the way they do.
async function compile(flatbuffer) {
  const wasm = getGlobalLiteRt().liteRtWasm;
  const environment = getDefaultEnvironment();
  const pointer = wasm._malloc(flatbuffer.length); // the model reads its weights from here, so it is never freed
  wasm.HEAPU8.set(flatbuffer, pointer);
  const model = wasm.loadModel(environment.liteRtEnvironment, pointer, flatbuffer.length);
  const options = { environment, accelerator: "wasm", cpuOptions: { numThreads: 1 }, gpuOptions: {}, webNNOptions: {} };
  const compiled = await wasm.compileModel(environment.liteRtEnvironment, model, options);
  const input = describe(model.getInputTensorType(0, 0), quantization(flatbuffer, "inputs", 0));
  const output = describe(model.getOutputTensorType(0, 0), quantization(flatbuffer, "outputs", 0));
  const { LiteRtTensorBuffer, LiteRtTensorBufferType: { HOST_MEMORY }, LiteRtTensorBufferLockMode: mode } = wasm;
  const buffer = LiteRtTensorBuffer.createManaged(
    environment.liteRtEnvironment, HOST_MEMORY, model.getInputTensorType(0, 0), input.bytes,
  );
  const values = inputValues(input);

  async function run(means) {
    const data = input.array.from(means, (mean) => values[mean]);
    wasm.HEAPU8.set(new Uint8Array(data.buffer), buffer.lock(mode.WRITE));
    buffer.unlock();
    const results = await compiled.run(0, [buffer]);
    const start = results[0].lock(mode.READ);
    const raw = new output.array(wasm.HEAPU8.slice(start, start + output.bytes).buffer);
    results[0].unlock();
    results.forEach((result) => result.delete());
    const { scale, zeroPoint } = output.quantized ?? { scale: 1, zeroPoint: 0 };
    return Array.from(raw, (value) => (value - zeroPoint) * scale);
  }

  return { rows: input.shape[1], columns: input.shape[2], run };
}

function describe(type, quantized) {
  const array = ARRAYS[type.elementType().value];
  if (!array) throw new Error(`The model's tensors are of element type ${type.elementType().value}, unknown here.`);
  const dimensions = type.layout().dimensions();
  const shape = Array.from({ length: dimensions.size() }, (_, index) => dimensions.get(index));
  return { array, shape, quantized, bytes: type.bytes() };
}

// The network's input for each of the 256 greys, in 32-bit floats and with ties to even as numpy has it.
function inputValues({ array, quantized }) {
  const real = Float32Array.from({ length: 256 }, (_, grey) => grey / 255);
  if (!quantized) return real;
  const limit = 2 ** (8 * array.BYTES_PER_ELEMENT - 1);
  return array.from(real, (value) => {
    const steps = Math.fround(value / quantized.scale);
    const even = 2 * Math.round(steps / 2);
    const rounded = Math.abs(steps - even) === 0.5 ? even : Math.round(steps);
    return Math.max(-limit, Math.min(limit - 1, rounded + quantized.zeroPoint));
  });
}
