import { loadClassifier } from "./classifier.js";
import { heatLayer } from "./heat.js";

const MODEL = "student_int8.tflite";
const COMPANION = "student_int8_heatmap.tflite"; // optional: the same student with its heat map
const WASM = "./node_modules/@litertjs/core/wasm/";
const TITLES = ["No dementia", "Very mild dementia", "Mild dementia", "Moderate dementia"];
const at = (id) => document.getElementById(id);
const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)} %`;
const context = at("slice").getContext("2d", { willReadFrequently: true });

let classifier, explainer;
try {
  classifier = await loadClassifier(MODEL, WASM);
  await classifier.probabilities(new Uint8Array(classifier.height * classifier.width)); // the first call is slow
  explainer = await companion();
  introduce(classifier);
} catch (error) {
  at("expects").textContent = "";
  complain(error);
}

// The file itself where it gives a heat map, else its companion, if there is one of the same origin.
async function companion() {
  if (classifier.network.heatMap) return classifier;
  const other = await loadClassifier(COMPANION, WASM).catch(() => null);
  return other?.isOfOneOriginWith(classifier) ? other : null;
}

function introduce({ record, width, height }) {
  for (const canvas of [at("slice"), at("heat")]) Object.assign(canvas, { width, height });
  at("disclaimer").textContent = record.disclaimer;
  at("expects").textContent = `Axial slice, PNG or JPEG, grey, ${width} wide and ${height} high.`;
  const { split, dataset } = record;
  at("model").textContent =
    `${record.kind}, AlzEdge ${record.alzedge}, ${record.licence}; learned from ${dataset.name} ` +
    `(${split.description}). SHA-256 ${record.sha256}`;
  for (const id of ["file", "phantom"]) at(id).disabled = false;
  at("file").addEventListener("change", (event) => answer(event.target.files[0]));
  at("phantom").addEventListener("click", async () => {
    // The guard is not asked: it knows real slices only, and refuses a phantom.
    await answer(await (await fetch("phantom.png")).blob(), "A phantom", false);
    if (dataset.synthetic) return;
    at("facts").textContent += " The phantom is drawn from formulas; the model learned from real slices.";
  });
  at("heat-switch").addEventListener("change", (event) => (at("heat").hidden = !event.target.checked));
  const drop = at("drop");
  drop.addEventListener("dragover", (event) => (event.preventDefault(), drop.classList.add("over")));
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    answer(event.dataTransfer.files[0]);
  });
}

async function answer(blob, name = blob?.name, guarded = true) {
  if (!blob) return;
  try {
    const grey = await pixels(blob, name);
    const start = performance.now();
    const given = await classifier.answer(grey, guarded);
    const milliseconds = performance.now() - start;
    if (!given.probabilities) throw new Refusal(name, given.unlikeness);
    show(name, given, milliseconds);
    await explain(grey);
  } catch (error) {
    complain(error);
  }
}

class Refusal extends Error {
  constructor(name, unlikeness) {
    super(
      `${name}: this does not look like an axial brain MRI slice as the model knows them: skull-stripped T1, seen from ` +
      `above, forehead up, 1 mm pixels (unlikeness ${unlikeness.toFixed(1)}, from 1 on refused).`,
    );
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

// Any dementia at the operating point first, then what is measured, stages last.
function show(name, { probabilities, brainVolume, apparentAge, stageSet }, milliseconds) {
  at("problem").hidden = true;
  at("of").textContent = name;
  const score = 1 - probabilities[0];
  const { threshold } = classifier;
  const side = threshold === null ? "no threshold known" : score >= threshold ? "above the threshold" : "below the threshold";
  at("title").textContent = `Any dementia: ${side}`;
  at("score").textContent = `Score ${score.toFixed(2)}${threshold === null ? "" : `, threshold ${threshold.toFixed(2)}`}.`;
  const { sensitivity, specificity } = classifier.record.operating_threshold ?? {};
  at("cost").textContent = sensitivity && specificity
    ? `The threshold finds ${percent(sensitivity.value)} of people with dementia and clears ${percent(specificity.value)} ` +
      "of those without, over all slices of each; one slice says less."
    : "";
  at("measured").textContent = [
    brainVolume && `Brain volume ${range(brainVolume, 3)}, share of the space within the skull.`,
    apparentAge && `Looks like a brain of ${range(apparentAge, 0, " years")}.`,
    stageSet && stages(stageSet),
  ].filter(Boolean).join(" ");
  const top = probabilities.indexOf(Math.max(...probabilities));
  at("bars").replaceChildren(...classifier.labels.map((label, index) => {
    const item = document.createElement("li");
    item.dataset.probability = probabilities[index];
    item.className = index === top ? "top" : "";
    item.innerHTML = "<span></span><span></span><div class=bar><i></i></div>";
    item.children[0].textContent = label;
    item.children[1].textContent = percent(probabilities[index], 1);
    item.querySelector("i").style.width = `${100 * probabilities[index]}%`;
    return item;
  }));
  at("stages").hidden = false;
  at("facts").textContent = `${milliseconds.toFixed(1)} ms on this device, from pixels to the answer.`;
}

const range = ({ value, low, high }, digits, unit = "") =>
  `${value.toFixed(digits)}${unit} (90 % interval ${low.toFixed(digits)} to ${high.toFixed(digits)})`;

function stages(set) {
  if (set.length === 0 || set.length === TITLES.length) return "It abstains from naming a stage.";
  const titles = set.map((label) => TITLES[classifier.labels.indexOf(label)].toLowerCase());
  return titles.length === 1 ? `Rules out every stage but ${titles[0]}.` : `Cannot rule out: ${titles.join(", ")}.`;
}

async function explain(grey) {
  const map = explainer && (await explainer.heatMap(grey));
  at("evidence").hidden = !map;
  if (!map) return;
  // What speaks against no dementia speaks for any.
  const any = map.evidence[0].map((value) => -value);
  const layer = heatLayer({ ...map, values: any }, grey, classifier.width);
  at("heat").getContext("2d").putImageData(layer, 0, 0);
}

function complain(error) {
  context.clearRect(0, 0, at("slice").width, at("slice").height);
  at("evidence").hidden = at("stages").hidden = true;
  at("heat").getContext("2d").clearRect(0, 0, at("heat").width, at("heat").height);
  at("bars").replaceChildren();
  for (const id of ["facts", "of", "score", "cost", "measured"]) at(id).textContent = "";
  at("title").textContent = "No answer";
  at("problem").hidden = false;
  at("problem").textContent = error.message ?? String(error);
}
