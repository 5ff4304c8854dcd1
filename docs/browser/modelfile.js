// What an AlzEdge .tflite file says about itself: a flatbuffer, then a zip archive with labels.txt and alzedge.json.

/**
 * Split a model file into its flatbuffer and what the zip archive behind it says.
 * @param {Uint8Array} bytes the whole .tflite file
 * @returns {Promise<{flatbuffer: Uint8Array, labels: string[], record: object}>}
 */
export async function readModelFile(bytes) {
  const magic = new TextDecoder().decode(bytes.subarray(4, 8));
  if (magic !== "TFL3") throw new Error("This is not a TensorFlow Lite model.");
  const entries = zipEntries(bytes);
  const text = async (name) => {
    const entry = entries.find((one) => one.name === name);
    if (!entry) throw new Error(`The model file carries no ${name}; name a file made by alzedge export.`);
    return new TextDecoder().decode(await unpacked(bytes, entry));
  };
  return {
    flatbuffer: bytes.subarray(0, Math.min(...entries.map((entry) => entry.offset))),
    labels: (await text("labels.txt")).trim().split("\n"),
    record: JSON.parse(await text("alzedge.json")),
  };
}

/**
 * Inputs and outputs of the model's first signature with scale and zero point, which LiteRT.js does not tell.
 * @param {Uint8Array} flatbuffer a .tflite flatbuffer
 * @returns {{inputs: Tensor[], outputs: Tensor[]}} each {name, scale, zeroPoint}; scale 0: not quantized
 */
export function signature(flatbuffer) {
  const view = new DataView(flatbuffer.buffer, flatbuffer.byteOffset, flatbuffer.byteLength);
  const indirect = (at) => at + view.getUint32(at, true);
  // Where a table keeps its n-th field, or 0; a vector's items begin 4 bytes after its length.
  const field = (table, n) => {
    const vtable = table - view.getInt32(table, true);
    const entry = 4 + 2 * n;
    const offset = entry < view.getUint16(vtable, true) ? view.getUint16(vtable + entry, true) : 0;
    return offset && table + offset;
  };
  const items = (table, n) => indirect(field(table, n)) + 4;
  const tables = (table, n) => {
    const start = items(table, n);
    return Array.from({ length: view.getUint32(start - 4, true) }, (_, index) => indirect(start + 4 * index));
  };
  // Field numbers are those of TensorFlow Lite's schema.fbs: Model.subgraphs = 2, signature_defs = 7; SubGraph.tensors = 0;
  // SignatureDef.inputs = 0, outputs = 1; TensorMap.name = 0, tensor_index = 1; Tensor.quantization = 4;
  // QuantizationParameters.scale = 2, zero_point = 3.
  const model = indirect(0);
  if (!field(model, 7)) throw new Error("The model file names no outputs; name a file made by alzedge export.");
  const tensors = tables(tables(model, 2)[0], 0);
  const described = (map) => {
    const start = items(map, 0);
    const name = new TextDecoder().decode(flatbuffer.subarray(start, start + view.getUint32(start - 4, true)));
    const tensor = tensors[field(map, 1) ? view.getUint32(field(map, 1), true) : 0];
    const parameters = field(tensor, 4) && indirect(field(tensor, 4));
    if (!parameters || !field(parameters, 2)) return { name, scale: 0, zeroPoint: 0 };
    const zeroPoint = Number(view.getBigInt64(items(parameters, 3), true));
    return { name, scale: view.getFloat32(items(parameters, 2), true), zeroPoint };
  };
  const [first] = tables(model, 7);
  return { inputs: tables(first, 0).map(described), outputs: tables(first, 1).map(described) };
}

function zipEntries(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw new Error("The model file carries no AlzEdge record; name a file made by alzedge export.");
  const entries = [];
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    const nameLength = view.getUint16(at + 28, true);
    entries.push({
      name: new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength)),
      deflated: view.getUint16(at + 10, true) === 8,
      size: view.getUint32(at + 20, true),
      offset: view.getUint32(at + 42, true),
    });
    at += 46 + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return entries;
}

async function unpacked(bytes, entry) {
  const view = new DataView(bytes.buffer, bytes.byteOffset + entry.offset);
  const start = entry.offset + 30 + view.getUint16(26, true) + view.getUint16(28, true);
  const data = bytes.subarray(start, start + entry.size);
  if (!entry.deflated) return data;
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
