// The peers: templates in JavaScript render a template of a folder, COUNT times.
//     node templates.js ENGINE FOLDER NAME CONTEXT COUNT render|compile|print
// prints microseconds of processor time per render; compile reads the sources anew for each; print writes the text.
const fs = require("fs");
const path = require("path");

const [engine, folder, name, contextPath, count, how] = process.argv.slice(2);
const context = JSON.parse(fs.readFileSync(contextPath, "utf8"));
const sources = Object.fromEntries(fs.readdirSync(folder).filter((f) => f.endsWith(".j2")).map((f) => [f, fs.readFileSync(path.join(folder, f), "utf8")]));

const engines = {
  "minijinja-js": () => {
    const { Environment } = require("minijinja-js");
    const made = new Environment();
    made.enablePyCompat();
    made.trimBlocks = made.lstripBlocks = false;
    for (const [file, text] of Object.entries(sources)) made.addTemplate(file, text);
    return () => made.renderTemplate(name, context);
  },
  nunjucks: () => {
    const nunjucks = require("nunjucks");
    const made = new nunjucks.Environment({ getSource: (file) => ({ src: sources[file], path: file, noCache: false }) }, { autoescape: false });
    const template = made.getTemplate(name, true);
    return () => template.render(context);
  },
  "@huggingface/jinja": () => {
    const { Template } = require("@huggingface/jinja");
    const template = new Template(sources[name]);
    return () => template.render(context);
  },
};

let render = engines[engine]();
if (how === "print") {
  process.stdout.write(render());
} else {
  render();
  const began = process.cpuUsage();
  for (let i = 0; i < Number(count); i++) {
    if (how === "compile") render = engines[engine]();
    render();
  }
  const spent = process.cpuUsage(began);
  console.log(((spent.user + spent.system) / Number(count)).toFixed(3));
}
