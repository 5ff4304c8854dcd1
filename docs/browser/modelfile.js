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
 * Scale and zero point of a tensor, which LiteRT.js does not tell.
 * @param {Uint8Array} flatbuffer a .tflite flatbuffer
 * @param {"inputs" | "outputs"} side of the first subgraph
 * @param {number} index among its inputs or outputs
 * @returns {{scale: number, zeroPoint: number} | null} null: the tensor is not quantized
 */
export function quantization(flatbuffer, side, index) {
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
  // Field numbers are those of TensorFlow Lite's schema.fbs: Model.subgraphs = 2; SubGraph.tensors = 0, inputs = 1,
  // outputs = 2; Tensor.quantization = 4; QuantizationParameters.scale = 2, zero_point = 3.
  const graph = indirect(items(indirect(0), 2));
  const number = view.getInt32(items(graph, side === "inputs" ? 1 : 2) + 4 * index, true);
  const tensor = indirect(items(graph, 0) + 4 * number);
  const parameters = field(tensor, 4) && indirect(field(tensor, 4));
  if (!parameters || !field(parameters, 2)) return null;
  return {
    scale: view.getFloat32(items(parameters, 2), true),
    zeroPoint: Number(view.getBigInt64(items(parameters, 3), true)),
  };
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
