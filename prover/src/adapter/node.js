// A lock for the prover: docs/protocol.md over standard input and output. Put your own lock where it says YOURS.
// This one is a file that only one can make. It needs no service; its weakness: a holder that crashes keeps the lock for ever.
// Run: prover --lock 'process:node lock.js'
"use strict";
const fs = require("fs"), os = require("os"), path = require("path"), readline = require("readline");

// Nothing was asked for, so it never takes effect: code 11. Every other error is code 13: nobody knows.
class NotSent extends Error {}

// YOURS: connect to run.endpoints with the first operation; throw NotSent where that fails.
const connect = (key) => path.join(os.tmpdir(), `${run.prefix}.${key}.lock`);

const lock = {
  // YOURS: try once. held: false only where the service said that another holds it. token, lease_ms if there are any.
  async acquire(key) {
    try {
      fs.writeFileSync(connect(key), run.client, { flag: "wx" });
      return { held: true };
    } catch (error) {
      if (error.code === "EEXIST") return { held: false };
      throw error;
    }
  },
  // YOURS: what the service says; lease_ms where that renewed a lease.
  async verify(key) {
    try {
      return { held: fs.readFileSync(connect(key), "utf8") === run.client };
    } catch (error) {
      if (error.code === "ENOENT") return { held: false };
      throw error;
    }
  },
  // YOURS: held: false where the service said that it was not held any more.
  async release(key) {
    const { held } = await lock.verify(key);
    if (held) fs.unlinkSync(connect(key));
    return { held };
  },
};
// YOURS: what it is. With needs: ["redis"] the run has endpoints; a lease is lease_ms.
const about = { name: "lock-file", kind: "mutex", operations: Object.keys(lock), needs: [], promises: ["exclusion", "progress"] };

async function perform(request) {
  if (request.type === "init") {
    run = request;
    return about;
  }
  if (request.type === "close") {
    for (const key of run.keys) await lock.release(key);
    return {};
  }
  const end = Date.now() + (request.wait_ms || 0);
  for (;;) {
    const said = await lock[request.type](request.key);
    if (request.type !== "acquire" || said.held || Date.now() >= end) return said;
    await new Promise((wake) => setTimeout(wake, 10));
  }
}

async function answer(request) {
  if (!["init", "close", ...about.operations].includes(request.type)) {
    return { type: "error", code: 10, text: `no ${request.type} here` };
  }
  try {
    return { type: request.type + "_ok", ...(await perform(request)) };
  } catch (error) {
    return { type: "error", code: error instanceof NotSent ? 11 : 13, text: String(error) };
  }
}

let run;
(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { src, dest, body } = JSON.parse(line);
    const said = { ...(await answer(body)), in_reply_to: body.msg_id };
    fs.writeSync(1, JSON.stringify({ src: dest, dest: src, body: said }) + "\n");
    if (body.type === "close") break;
  }
  process.exit(0);
})();
