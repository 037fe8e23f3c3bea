// node dump_nsfwjs.js PACKAGE_FOLDER OUT
//
// Writes the TensorFlow.js models that npm's nsfwjs carries as JavaScript modules into OUT/NAME/model.json and
// OUT/NAME/weights.bin. PACKAGE_FOLDER is the unpacked package: `npm pack nsfwjs@4.4.0 && tar xf nsfwjs-4.4.0.tgz`
// gives it as ./package.

const fs = require("fs");
const path = require("path");

const NAMES = ["mobilenet_v2", "mobilenet_v2_mid", "inception_v3"];

/** What a module exports, be it CommonJS or transpiled. */
function load(file) {
  const exported = require(path.resolve(file));
  return exported.default || exported;
}

/** One shard of the weights: a base64 string, or an object that holds one. */
function shard(file) {
  const exported = load(file);
  const text = typeof exported === "string" ? exported : Object.values(exported)[0];
  return Buffer.from(text, "base64");
}

const [folder, out] = process.argv.slice(2);
if (!folder || !out) {
  console.error("usage: node dump_nsfwjs.js PACKAGE_FOLDER OUT");
  process.exit(2);
}
for (const name of NAMES) {
  const source = path.join(folder, "dist", "models", name);
  const target = path.join(out, name);
  fs.mkdirSync(target, { recursive: true });
  const model = load(path.join(source, "model.min.js"));
  fs.writeFileSync(path.join(target, "model.json"), JSON.stringify(model));
  const shards = fs.readdirSync(source).filter((file) => /^group1-shard.*\.js$/.test(file)).sort();
  const weights = Buffer.concat(shards.map((file) => shard(path.join(source, file))));
  fs.writeFileSync(path.join(target, "weights.bin"), weights);
  console.log(`${name}: ${model.format}, ${shards.length} shards, ${weights.length} bytes`);
}
