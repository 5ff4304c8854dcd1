// An AlzEdge student in LiteRT.js: grey pixels in, probabilities out, with the integers that Python uses.

import { getDefaultEnvironment, getGlobalLiteRt, loadLiteRt } from "@litertjs/core";
import { readGuard } from "./guard.js";
import { answerOf } from "./measures.js";
import { readModelFile, signature } from "./modelfile.js";
import { coded, preprocessor } from "./preprocess.js";

// litert::ElementType of the tensors that AlzEdge exports, and what holds their values in JavaScript.
const ARRAYS = { 1: Float32Array, 7: Int16Array, 9: Int8Array };
// What must be the same in two files for the heat map of one to explain the answers of the other.
const ORIGIN = ["recipe", "dataset", "split", "preprocessing"];

let runtime; // LiteRT.js may be loaded once only, and both files need it

/**
 * Load a model file.
 * @param {string} model address of a .tflite file made by `alzedge export`
 * @param {string} wasm address of the folder node_modules/@litertjs/core/wasm/
 */
export async function loadClassifier(model, wasm) {
  runtime ??= loadLiteRt(wasm);
  const [response] = await Promise.all([fetch(model), runtime]);
  if (!response.ok) throw new Error(`${model}: the server answers ${response.status}; copy the model file there.`);
  const file = await readModelFile(new Uint8Array(await response.arrayBuffer()));
  return new Classifier(file, await compile(file.flatbuffer));
}

class Classifier {
  constructor({ labels, record }, network) {
    Object.assign(this, { labels, record, network });
    this.preprocess = preprocessor(record.preprocessing);
    this.unlikeness = readGuard(record.guard);
    this.threshold = record.operating_threshold?.value ?? null; // on 1 - P(no dementia)
    this.height = network.rows * record.preprocessing.shrink;
    this.width = network.columns * record.preprocessing.shrink;
  }

  /**
   * The guard's verdict and, unless it refuses, what the model says of a slice; see `answerOf` in measures.js.
   * @param {Uint8Array} grey height x width pixels, row by row
   * @param {boolean} guarded false: whatever the guard thinks of it
   * @param {{age?: number, sex?: "F" | "M"}} told of the person, for a file that weighs them; what is not known is left out
   * @returns {Promise<{unlikeness: number | null, probabilities: number[] | null}>} null probabilities: refused
   */
  async answer(grey, guarded = true, told = {}) {
    const unlikeness = guarded && this.unlikeness ? this.unlikeness(grey, this.width) : null;
    if (unlikeness > 1) return { unlikeness, probabilities: null };
    const { brain_volume: volume, age, ...outputs } = await this.#outputs(grey, told);
    return { unlikeness, ...answerOf(this.record, { ...outputs, brain_volume: volume?.[0], age: age?.[0] }) };
  }

  /** Probabilities as the network tells them, in the order of `labels`, whatever the guard thinks of the slice. */
  async probabilities(grey, told = {}) {
    return (await this.#outputs(grey, told)).probabilities;
  }

  /**
   * Evidence for each stage by place; needs a file exported with a heat map.
   * @returns {Promise<{rows: number, columns: number, evidence: number[][]} | null>} evidence[stage][place], above 0
   *     speaks for the stage; null: this file gives none
   */
  async heatMap(grey, told = {}) {
    const shape = this.network.heatMap;
    if (!shape) return null;
    const { heat_map: values } = await this.#outputs(grey, told);
    const [, rows, columns, stages] = shape;
    const of = (stage) => values.filter((_, index) => index % stages === stage);
    return { rows, columns, evidence: Array.from({ length: stages }, (_, stage) => of(stage)) };
  }

  /** Whether another file's heat map explains this one's answers. */
  isOfOneOriginWith(other) {
    return ORIGIN.every((entry) => JSON.stringify(this.record[entry]) === JSON.stringify(other.record[entry]));
  }

  async #outputs(grey, told) {
    const outputs = await this.network.run(this.preprocess(grey, this.width), coded(this.record.demographics, told));
    const sum = outputs.probabilities.reduce((a, b) => a + b, 0);
    return { ...outputs, probabilities: outputs.probabilities.map((value) => value / sum) };
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
  const quantized = signature(flatbuffer);
  const inputs = listed(model.getSignature(0).inputNames()).map((name, index) => {
    const type = model.getInputTensorType(0, index);
    return { type, ...describe(type, quantized.inputs.find((one) => one.name === name)) };
  });
  const input = inputs.find(({ shape }) => shape.length === 4); // the other one, if any, is `demographics`
  const outputs = listed(model.getSignature(0).outputNames()).map((name, index) => {
    const output = describe(model.getOutputTensorType(0, index), quantized.outputs.find((one) => one.name === name));
    return { ...output, name: nameOf(name, output.shape) };
  });
  const { LiteRtTensorBuffer, LiteRtTensorBufferType: { HOST_MEMORY }, LiteRtTensorBufferLockMode: mode } = wasm;
  const buffers = inputs.map(({ type, bytes }) =>
    LiteRtTensorBuffer.createManaged(environment.liteRtEnvironment, HOST_MEMORY, type, bytes),
  );
  const values = inputValues(input);

  async function run(means, told) {
    const data = input.array.from(means, (mean) => values[mean]);
    inputs.forEach((one, index) => {
      wasm.HEAPU8.set(new Uint8Array((one === input ? data : told).buffer), buffers[index].lock(mode.WRITE));
      buffers[index].unlock();
    });
    const results = await compiled.run(0, buffers);
    const named = outputs.map(({ name, array, bytes, scale, zeroPoint }, index) => {
      const start = results[index].lock(mode.READ);
      const raw = new array(wasm.HEAPU8.slice(start, start + bytes).buffer);
      results[index].unlock();
      return [name, Array.from(raw, (value) => (scale ? (value - zeroPoint) * scale : value))];
    });
    results.forEach((result) => result.delete());
    return Object.fromEntries(named);
  }

  const heatMap = outputs.find(({ name }) => name === "heat_map")?.shape;
  return { rows: input.shape[1], columns: input.shape[2], heatMap, run };
}

// By name; files of version 0.1 have one output for probabilities, and perhaps a heat map, under names of the converter.
function nameOf(name, shape) {
  if (shape.length !== 2) return "heat_map";
  return ["brain_volume", "age"].includes(name) ? name : "probabilities";
}

function describe(type, { scale, zeroPoint }) {
  const array = ARRAYS[type.elementType().value];
  if (!array) throw new Error(`The model's tensors are of element type ${type.elementType().value}, unknown here.`);
  return { array, shape: listed(type.layout().dimensions()), scale, zeroPoint, bytes: type.bytes() };
}

const listed = (vector) => Array.from({ length: vector.size() }, (_, index) => vector.get(index));

// The network's input for each of the 256 greys, in 32-bit floats and with ties to even as numpy has it.
function inputValues({ array, scale, zeroPoint }) {
  const real = Float32Array.from({ length: 256 }, (_, grey) => grey / 255);
  if (!scale) return real;
  const limit = 2 ** (8 * array.BYTES_PER_ELEMENT - 1);
  return array.from(real, (value) => {
    const steps = Math.fround(value / scale);
    const even = 2 * Math.round(steps / 2);
    const rounded = Math.abs(steps - even) === 0.5 ? even : Math.round(steps);
    return Math.max(-limit, Math.min(limit - 1, rounded + zeroPoint));
  });
}
