// The peer: ajv holds a document against a JSON Schema, COUNT times.
//     node schema.js SCHEMA DOCUMENT COUNT
// prints microseconds of processor time per check.
const fs = require("fs");
const Ajv = require("ajv/dist/2020");

const [schema, document, count] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const check = new Ajv().compile(JSON.parse(fs.readFileSync(schema, "utf8")));
const value = JSON.parse(fs.readFileSync(document, "utf8"));
for (let i = 0; i < 20000; i++) if (!check(value)) process.exit(1);
const began = process.cpuUsage();
for (let i = 0; i < count; i++) if (!check(value)) process.exit(1);
const spent = process.cpuUsage(began);
console.log(((spent.user + spent.system) / count).toFixed(3));
