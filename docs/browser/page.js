import { loadClassifier } from "./classifier.js";

const MODEL = "student_int8.tflite";
const WASM = "./node_modules/@litertjs/core/wasm/";
const at = (id) => document.getElementById(id);
const canvas = at("slice");
const context = canvas.getContext("2d", { willReadFrequently: true });

let classifier;
try {
  classifier = await loadClassifier(MODEL, WASM);
  await classifier.probabilities(new Uint8Array(classifier.height * classifier.width)); // the first call is slow
  introduce(classifier);
} catch (error) {
  at("expects").textContent = "";
  complain(error);
}

function introduce({ record, width, height }) {
  canvas.width = width;
  canvas.height = height;
  at("disclaimer").textContent = record.disclaimer;
  at("expects").textContent = `Axial slice, PNG or JPEG, grey, ${width} wide and ${height} high.`;
  const { split, dataset } = record;
  at("model").textContent =
    `${record.kind}, AlzEdge ${record.alzedge}, ${record.licence}; learned from ${dataset.name} ` +
    `(${split.description}). SHA-256 ${record.sha256}`;
  for (const id of ["file", "phantom"]) at(id).disabled = false;
  at("file").addEventListener("change", (event) => answer(event.target.files[0]));
  at("phantom").addEventListener("click", async () => {
    await answer(await (await fetch("phantom.png")).blob(), "A phantom");
    if (dataset.synthetic) return;
    at("facts").textContent += " The phantom is drawn from formulas; the model learned from real slices.";
  });
  const drop = at("drop");
  drop.addEventListener("dragover", (event) => (event.preventDefault(), drop.classList.add("over")));
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    answer(event.dataTransfer.files[0]);
  });
}

async function answer(blob, name = blob?.name) {
  if (!blob) return;
  try {
    const grey = await pixels(blob, name);
    const start = performance.now();
    const probabilities = await classifier.probabilities(grey);
    show(name, probabilities, performance.now() - start);
  } catch (error) {
    complain(error);
  }
}

// Exact pixels: no colour conversion, and no other size, because resampling changes the anatomy's scale.
async function pixels(blob, name) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" }).catch(() => {
    throw new Error(`${name}: not an image this browser can read; export the slice as PNG or JPEG.`);
  });
  const { width, height } = classifier;
  if (bitmap.width !== width || bitmap.height !== height) {
    throw new Error(`${name}: ${bitmap.width} wide x ${bitmap.height} high, but slices are ${width} x ${height}.`);
  }
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const grey = Uint8Array.from({ length: width * height }, (_, index) => data[4 * index]);
  if (!grey.every((value, index) => value === data[4 * index + 1] && value === data[4 * index + 2])) {
    throw new Error(`${name}: a colour image, but slices are 8-bit grey.`);
  }
  return grey;
}

function show(name, probabilities, milliseconds) {
  at("problem").hidden = true;
  at("title").textContent = name;
  const top = probabilities.indexOf(Math.max(...probabilities));
  at("bars").replaceChildren(...classifier.labels.map((label, index) => {
    const share = `${(100 * probabilities[index]).toFixed(1)} %`;
    const item = document.createElement("li");
    item.dataset.probability = probabilities[index];
    item.className = index === top ? "top" : "";
    item.innerHTML = "<span></span><span></span><div class=bar><i></i></div>";
    item.children[0].textContent = label;
    item.children[1].textContent = share;
    item.querySelector("i").style.width = share.replace(" ", "");
    return item;
  }));
  at("facts").textContent = `${milliseconds.toFixed(1)} ms on this device, from pixels to probabilities.`;
}

function complain(error) {
  context.clearRect(0, 0, canvas.width, canvas.height);
  at("bars").replaceChildren();
  at("facts").textContent = "";
  at("title").textContent = "No answer";
  at("problem").hidden = false;
  at("problem").textContent = error.message ?? String(error);
}
