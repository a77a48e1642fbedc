// BullMQ on Node, as one of those who are compared: started by ../src/child/, with an assignment as its one argument.
//
// - `concurrency` is the number of executors; `removeOnComplete` is on, as its guide recommends for production.
// - Bulk is `addBulk`, 1,000 at a time: one MULTI each, and a larger one holds the server up.
// - `enableAutoPipelining` of the driver is on: calls of one turn of the event loop go in one write.
// - Events are what they are by default: `skipVersionCheck` and the like change nothing on the way of a run.
'use strict';

const { createInterface } = require('node:readline');
const { Worker: Thread, isMainThread, parentPort, workerData } = require('node:worker_threads');
const IORedis = require('ioredis');
const { Queue, Worker } = require('bullmq');

const FIRST = 1_000_000;
const CHUNK = 1_000;

const { url, work, runs, timed, role } = isMainThread ? JSON.parse(process.argv[2]) : {};

/** Microseconds by the clock that all processes share. */
const now = () => Number(process.hrtime.bigint() / 1000n);
const say = (line) => process.stdout.write(`${line}\n`);
const argumentsOf = (number, at) => ({ id: FIRST + number, at, to: 'somebody@example.com' });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function main() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const told = async (word) => {
    const { value, done } = await lines.next();
    if (done) process.exit(0);
    if (value !== word) throw new Error(`told ${value} instead of ${word}`);
  };
  if (role.worker) await perform(told);
  else await enqueue(told);
}

// ---- worker

async function perform(told) {
  const cells = new Uint8Array(runs);
  const failed = new Uint8Array(runs);
  const latencies = new Uint32Array(timed ? runs : 0).fill(0xffffffff);
  let left = runs;

  const note = async ({ data }) => {
    const number = data.id - FIRST;
    if (work === 'retry' && number % 10 === 0 && failed[number] === 0) {
      failed[number] = 1;
      throw new Error('fails once');
    }
    if (timed && data.at > 0) latencies[number] = Math.min(latencies[number], Math.max(0, now() - data.at));
    cells[number] += 1;
    if (cells[number] === 1) {
      left -= 1;
      if (left === 0) say('performed');
    }
  };

  say('ready');
  await told('go');
  // A worker blocks on its connection, and BullMQ asks for endless retries of commands on it.
  const connection = new IORedis(url, { maxRetriesPerRequest: null, enableAutoPipelining: true });
  const options = { connection, concurrency: role.worker.executors, removeOnComplete: { count: 0 } };
  if (work === 'limited') options.limiter = { max: 1_000_000, duration: 1_000 };
  const worker = new Worker('bench', note, options);
  worker.on('error', (error) => process.stderr.write(`${error.stack}\n`));

  await told('report');
  const counts = { performed: 0, doubled: 0 };
  for (const count of cells) {
    if (count > 0) counts.performed += 1;
    if (count > 1) counts.doubled += 1;
  }
  say(JSON.stringify({ ...counts, latencies: [...latencies].filter((late) => late < 0xffffffff) }));
  await told('end');
}

// ---- enqueuer

const ENQUEUED = { attempts: work === 'retry' ? 3 : 1 };

function job(run) {
  const opts = { ...ENQUEUED };
  if (work === 'unique') opts.deduplication = { id: String(run.id) };
  if (work === 'scheduled') opts.delay = Math.max(0, Math.round((run.at - now()) / 1000));
  return { name: 'note', data: run, opts };
}

async function enqueue(told) {
  const connection = new IORedis(url, { enableAutoPipelining: true });
  const queue = new Queue('bench', { connection });
  await queue.waitUntilReady();
  const one = (run) => {
    const { name, data, opts } = job(run);
    return queue.add(name, data, opts);
  };

  say('ready');
  await told('go');
  const start = now();
  await all(queue, one, start);
  say(JSON.stringify({ micros: now() - start }));
  await told('end');
}

async function all(queue, one, start) {
  const { how } = role.enqueuer;
  if (how === 'one') {
    for (let number = 0; number < runs; number += 1) await one(argumentsOf(number, 0));
  } else if (how === 'bulk') {
    for (let first = 0; first < runs; first += CHUNK) {
      const numbers = Array.from({ length: Math.min(CHUNK, runs - first) }, (_, index) => first + index);
      await queue.addBulk(numbers.map((number) => job(argumentsOf(number, 0))));
    }
  } else if (how.concurrent) {
    await concurrently(how.concurrent.tasks, (number) => one(argumentsOf(number, 0)));
  } else if (how.ahead) {
    const { after, over } = how.ahead;
    const due = (number) => start + Math.round(1000 * (after + (over * number) / runs));
    await concurrently(64, (number) => one(argumentsOf(number, due(number))));
  } else if (how.gaps) {
    for (let number = 0; number < runs; number += 1) {
      await pause(((0.5 + Math.random()) * how.gaps.micros) / 1000);
      await one(argumentsOf(number, number < 20 ? 0 : now()));
    }
  } else if (how.paced) {
    await paced(1e6 / how.paced.per_second, start, one);
  } else {
    throw new Error(`cannot enqueue ${JSON.stringify(how)}`);
  }
}

async function concurrently(tasks, one) {
  let next = 0;
  const task = async () => {
    while (next < runs) {
      const number = next;
      next += 1;
      await one(number);
    }
  };
  await Promise.all(Array.from({ length: tasks }, task));
}

/** An open loop: a thread keeps the schedule, since timers are coarse, and tells how many runs are due. */
async function paced(every, start, one) {
  const sent = [];
  let number = 0;
  const send = (due) => {
    for (; number < due; number += 1) {
      sent.push(one(argumentsOf(number, number < 20 ? 0 : Math.round(start + number * every))));
    }
  };
  const clock = new Thread(__filename, { workerData: { every, start, runs } });
  await new Promise((resolve, reject) => {
    clock.on('message', send);
    clock.on('error', reject);
    clock.on('exit', resolve);
  });
  await Promise.all(sent);
}

/** The thread: sleeps until the next run is due. */
function schedule({ every, start, runs: all }) {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  for (let told = 0; told < all; ) {
    const ahead = start + told * every - now();
    if (ahead > 60) Atomics.wait(nothing, 0, 0, (ahead - 60) / 1000);
    told = Math.min(all, Math.max(told, Math.floor((now() - start + 60) / every)) + 1);
    parentPort.postMessage(told);
  }
}

if (isMainThread) {
  main().then(
    () => process.exit(0),
    (error) => {
      process.stderr.write(`${error.stack}\n`);
      process.exit(1);
    },
  );
} else {
  schedule(workerData);
}
