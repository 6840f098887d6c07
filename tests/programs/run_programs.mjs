// Runs programs in the machine of WebAssembly: node run_programs.mjs page/program.js machine.wasm jobs.json results.json.
// A job is a file and runs, each with its inputs and what of the state is set before it, all as texts of base64.

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [script, module, jobs, results] = process.argv.slice(2);
const { Machine } = await import(pathToFileURL(script).href);
const machine = await Machine.start(readFileSync(module));

const text = (numbers) => Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength).toString("base64");
const fill = (numbers, said) =>
  new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength).set(Buffer.from(said, "base64"));

const found = JSON.parse(readFileSync(jobs, "utf8")).map(({ file, runs }) => {
  let program;
  try {
    program = machine.program(new Uint8Array(readFileSync(file)));
  } catch (error) {
    return { error: error.message };
  }
  const { outputs, state } = program.header;
  return {
    runs: runs.map((run) => {
      run.inputs.forEach((said, i) => said !== null && fill(program.input(i), said));
      for (const [name, said] of Object.entries(run.state)) fill(program.state(name), said);
      program.run();
      return {
        outputs: outputs.map((entry, i) => ("value" in entry ? null : text(program.output(i)))),
        state: Object.fromEntries(state.map(({ name }) => [name, text(program.state(name))])),
      };
    }),
  };
});
writeFileSync(results, JSON.stringify(found));
