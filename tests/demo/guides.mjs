// The parts of docs/browser that need no browser, asked by tests/demo/test_guides.py: JSON in, JSON out.

import { readFileSync } from "node:fs";
const [folder] = process.argv.slice(2);
const load = (name) => import(`${folder}/${name}`);
const { readModelFile, signature } = await load("modelfile.js");
const { readGuard } = await load("guard.js");
const { answerOf } = await load("measures.js");
const { coded, preprocessor } = await load("preprocess.js");
const { brainMask } = await load("heat.js");

const asked = JSON.parse(readFileSync(0, "utf8"));
const { flatbuffer, labels, record } = await readModelFile(new Uint8Array(readFileSync(asked.model)));
const guards = [record.guard, asked.guard].map(readGuard); // the file's, and one of several bands
const slices = asked.slices.map((text) => new Uint8Array(Buffer.from(text, "base64")));
const told = {
  labels,
  signature: signature(flatbuffer),
  unlikeness: guards.map((unlikeness) => slices.map((grey) => unlikeness(grey, 176))),
  masks: slices.map((grey) => brainMask(grey, 176).reduce((sum, one) => sum + one, 0)),
  means: asked.preprocessing.map((entry) => slices.map((grey) => [...preprocessor(entry)(grey, 176)])),
  coded: asked.told.map((one) => [...coded(asked.coding, one)]),
  answers: asked.outputs.map((outputs) => answerOf({ measures: asked.measures, labels }, outputs)),
  refused: (() => {
    try {
      return preprocessor({ steps: ["clahe"], shrink: 4, divide_by: 255 }) && "";
    } catch (error) {
      return error.message;
    }
  })(),
};
process.stdout.write(JSON.stringify(told));
