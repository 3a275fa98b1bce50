// A mutex on Redis as many libraries build it: a short lease, which a timer of the client (a watchdog) renews for as long as the
// lock is held. The user is told nothing of the lease, but hears of it when it could not be renewed in time (`lost`).
//
// Run:      prover --lock 'process:node locks/adapters/redis_watchdog.js' --nemesis partition,pause
// Needs:    node-redis 4: `npm install redis@4`; or `apt-get install node-redis`, and where node is not Debian's
//           'process:env NODE_PATH=/usr/share/nodejs node locks/adapters/redis_watchdog.js'
// Weakness: a process that stands still does not hear its watchdog: it wakes up and believes for a moment (`exclusion`).
// Options:  lease_ms=2000
"use strict";
const { randomUUID } = require("crypto"), readline = require("readline");
const { createClient } = require("redis");

const IF_MINE = "if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end return ";
const RENEW = IF_MINE + "redis.call('pexpire', KEYS[1], ARGV[2])";
const FREE = IF_MINE + "redis.call('del', KEYS[1])";

/** Nothing was asked for, so it never takes effect. */
class NotSent extends Error {}

let init, run, leaseMs, redis;
const grants = new Map(); // of a key: its token and its timers

const lock = {
  async acquire(key) {
    const client = await connected(), token = randomUUID(), asked = performance.now();
    const set = await inTime(client.set(name(key), token, { NX: true, PX: leaseMs }));
    if (set !== "OK") return { held: false };
    const grant = { token, watchdog: setInterval(() => renew(key, grant).catch(console.error), leaseMs / 3) };
    grants.set(key, grant);
    believe(key, grant, asked);
    return { held: true };
  },
  async verify(key) {
    return { held: await renew(key, mine(key)) };
  },
  async release(key) {
    const { token } = mine(key), client = await connected();
    forget(key);
    return { held: await evaluate(client, FREE, key, token) };
  },
};

function mine(key) {
  if (!grants.has(key)) throw new NotSent("not held any more");
  return grants.get(key);
}

async function renew(key, grant) {
  const client = await connected(), asked = performance.now();
  const renewed = await evaluate(client, RENEW, key, grant.token);
  if (renewed) believe(key, grant, asked);
  else lose(key, grant, "the server says that it is another's");
  return renewed;
}

/** The lease counts from before the request: the server cannot have counted from earlier. A tenth of it is for late timers. */
function believe(key, grant, asked) {
  if (grants.get(key) !== grant) return;
  clearTimeout(grant.end);
  grant.end = setTimeout(() => lose(key, grant, "not renewed in time"), asked + 0.9 * leaseMs - performance.now());
}

function lose(key, grant, text) {
  if (grants.get(key) !== grant) return;
  forget(key);
  send(init, { type: "lost", key, text });
}

function forget(key) {
  clearInterval(grants.get(key).watchdog);
  clearTimeout(grants.get(key).end);
  grants.delete(key);
}

/** A client that sends nothing twice, and nothing late. */
async function connected() {
  if (!redis || !redis.isReady) {
    const socket = { reconnectStrategy: () => new Error("the connection is gone"), connectTimeout: run.operation_timeout_ms / 2 };
    redis = createClient({ url: run.endpoints[0].url, socket, disableOfflineQueue: true });
    redis.on("error", (error) => console.error(String(error)));
    await inTime(redis.connect()).catch((error) => { throw new NotSent(error.message); });
  }
  return redis;
}

async function evaluate(client, script, key, token) {
  return (await inTime(client.eval(script, { keys: [name(key)], arguments: [token, String(leaseMs)] }))) === 1;
}

function inTime(answer) {
  let timer;
  const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error("timeout")), run.operation_timeout_ms / 2); });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

const name = (key) => `${run.prefix}.${key}`;

function send({ src, dest }, body) {
  process.stdout.write(JSON.stringify({ src: dest, dest: src, body }) + "\n");
}

async function perform(request) {
  if (request.type === "init") {
    run = request;
    leaseMs = Number(run.options.lease_ms || 2000);
    return { name: "redis-watchdog", kind: "mutex", operations: Object.keys(lock), needs: ["redis"], promises: ["exclusion", "progress"] };
  }
  if (request.type === "close") return {};
  const end = performance.now() + (request.wait_ms || 0);
  for (;;) {
    const said = await lock[request.type](request.key);
    if (request.type !== "acquire" || said.held || performance.now() >= end) return said;
    await new Promise((wake) => setTimeout(wake, 10));
  }
}

async function answer(request) {
  const { type } = request;
  if (type !== "init" && type !== "close" && !lock[type]) return { type: "error", code: 10, text: `no ${type} here` };
  try {
    return { type: type + "_ok", ...(await perform(request)) };
  } catch (error) {
    const [code, kind] = error instanceof NotSent ? [11, "not-sent"] : [13, error.message === "timeout" ? "timeout" : "io"];
    return { type: "error", code, kind, text: String(error) };
  }
}

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const message = JSON.parse(line);
  init = init || message;
  send(message, { ...(await answer(message.body)), in_reply_to: message.body.msg_id });
  if (message.body.type === "close") process.exit(0);
}).on("close", () => process.exit(0));
