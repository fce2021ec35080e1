// The official SDK's client with `plue mcp`: client.mjs PLUE FOLDER. Prints a line for each thing that holds.
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const [plue, cwd] = process.argv.slice(2);
const transport = new StdioClientTransport({ command: plue, args: ["mcp"], cwd, env: process.env });
const client = new Client({ name: "test", version: "1" });
await client.connect(transport);

async function holds(what, check) {
  await check();
  console.log(what);
}
const call = (name, args, options) => client.callTool({ name, arguments: args }, undefined, options);

await holds("says who it is", () => {
  assert.equal(client.getServerVersion().name, "plue");
  assert.deepEqual(client.getServerCapabilities(), { tools: {} });
});
await holds("answers a ping", () => client.ping());
await holds("lists its tools", async () => {
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map((t) => t.name), ["runs", "run", "logs", "why", "compare", "plan"]);
  for (const t of tools) assert.equal(t.inputSchema.additionalProperties, false);
});
await holds("lists runs", async () => {
  const { structuredContent, isError } = await call("runs", { workflow: "ci" });
  assert.equal(isError, false);
  assert.deepEqual(structuredContent.runs.map((r) => [r.id, r.status]), [[1, "failed"]]);
});
await holds("shows a run", async () => {
  const { structuredContent } = await call("run", { run: 1 });
  assert.deepEqual(structuredContent.steps.map((s) => [s.id, s.outcome]), [["good", "success"], ["bad", "failed"]]);
});
await holds("reads logs", async () => {
  const failed = await call("logs", { run: 1, failed: true });
  assert.match(failed.content[0].text, /^bad \| it broke$/m);
  assert.doesNotMatch(failed.content[0].text, /fine/);
  const searched = await call("logs", { run: 1, step: "good", search: "fine" });
  assert.match(searched.content[0].text, /fine/);
});
await holds("gives a long log by its end", async () => {
  const { content } = await call("logs", { run: 1, step: "good" });
  assert.match(content[0].text, /^\[\d+ earlier bytes are left out/);
  assert.match(content[0].text, /line 40000\nfine\n$/);
  assert.ok(content[0].text.length < 140000);
});
await holds("explains", async () => {
  const { structuredContent } = await call("why", { run: 1, step: "bad" });
  assert.ok(structuredContent.sentences.includes("It failed: the command ended with exit code 3."));
});
await holds("plans with inputs", async () => {
  const { structuredContent } = await call("plan", { workflow: "greet", inputs: { name: "-x=y z" } });
  assert.deepEqual(structuredContent.steps.map((s) => s.id), ["hello"]);
  assert.match(JSON.stringify(structuredContent.steps), /-x=y z/);
});
await holds("compares", async () => {
  const { structuredContent, isError } = await call("compare", { revisions: "HEAD" });
  assert.equal(isError, false);
  assert.deepEqual(structuredContent.workflows.map((w) => w.name).sort(), ["ci", "greet"]);
});
await holds("gives a command's error as the tool's", async () => {
  const { structuredContent, isError } = await call("run", { run: 99 });
  assert.equal(isError, true);
  assert.equal(structuredContent.error.code, "run_unknown");
});
await holds("takes no option for an argument", async () => {
  const { isError } = await call("plan", { workflow: "--help" });
  assert.equal(isError, true);
});
for (const [what, name, args, message] of [
  ["a tool that is not there", "log", {}, /there is no tool 'log'/],
  ["an argument that is not there", "why", { run: 1, stepp: "bad" }, /'why' has no argument 'stepp'/],
  ["a missing argument", "why", {}, /'why' needs 'run'/],
  ["an argument of a wrong type", "why", { run: "1" }, /'run' must be a positive integer/],
])
  await holds(`refuses ${what}`, () => assert.rejects(call(name, args), { code: -32602, message }));
await holds("refuses a method that is not there", () =>
  assert.rejects(client.listPrompts(), /prompts|-32601/));
await holds("gives answers to many calls at once", async () => {
  const all = await Promise.all(Array.from({ length: 6 }, () => call("why", { run: 1 })));
  for (const a of all) assert.equal(a.isError, false);
});
await holds("goes on after a cancelled call", async () => {
  const stop = new AbortController();
  const asked = call("run", { run: 1 }, { signal: stop.signal });
  stop.abort("enough");
  await assert.rejects(asked, /enough/);
  assert.equal((await call("why", { run: 1 })).isError, false);
});
await client.close();
