// Hands messages, one JSON a line, to work.js under Node and writes down what it says, one JSON a line. A line that is a
// text means: wait for the next message that has such a member.
"use strict";
const { createInterface } = require("node:readline");
const { Worker } = require("node:worker_threads");

const worker = new Worker(process.argv[2]);
const unseen = [];
let wake = () => {};
worker.on("message", (message) => {
  console.log(JSON.stringify(message));
  unseen.push(message);
  wake();
});

(async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line);
    if (typeof message !== "string") {
      worker.postMessage(message);
      continue;
    }
    for (;;) {
      if (!unseen.length) await new Promise((resolve) => { wake = resolve; });
      else if (message in unseen.shift()) break;
    }
  }
  await worker.terminate();
})();
