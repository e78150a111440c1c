'use strict';
/*
 * Node's stock gRPC client follows proto/coord/v1/coord.proto by hand, from the .proto files alone:
 * a session with an ephemeral node and a watch goes from the first replica to the second, while
 * the tree changes behind its back.
 *
 * session.js PROTO_DIR CA CERT KEY PATH ENDPOINT ENDPOINT...
 *
 * For each step it prints a line of JSON and waits for a line on its standard input, so that the
 * test can look at the cluster, and change it, in between. Any mistake ends it with an error.
 */
const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const readline = require('node:readline');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [protoDir, ca, cert, key, path, ...endpoints] = process.argv.slice(2);
const definition = loader.loadSync('coord/v1/coord.proto', {
  includeDirs: [protoDir], longs: String, enums: String, defaults: true, oneofs: true,
});
const { Coordination } = grpc.loadPackageDefinition(definition).coord.v1;

function client(endpoint) {
  return new Coordination(endpoint, grpc.credentials.createSsl(
    fs.readFileSync(ca), fs.readFileSync(key), fs.readFileSync(cert)));
}

/* One stream: numbers what it sends, keeps what comes, wakes who waits. */
class Stream {
  constructor(endpoint) {
    this.client = client(endpoint);
    this.number = 0;
    this.items = [];
    this.welcome = null;
    this.confirmed = 0n;
    this.completeTo = 0n;
    this.waiting = [];
    this.ended = null;
    this.call = this.client.Session();
    this.call.on('data', (frame) => this.take(frame));
    this.call.on('error', (error) => { this.ended = error; this.wake(); });
    this.call.on('end', () => { this.ended = this.ended || new Error('the stream ended'); this.wake(); });
  }

  take(frame) {
    this.welcome = frame.welcome || this.welcome;
    this.items.push(...frame.items);
    for (const [field, value] of [['confirmed', frame.confirmed], ['completeTo', frame.completeTo]]) {
      if (BigInt(value) > this[field]) this[field] = BigInt(value);
    }
    this.wake();
  }

  wake() {
    this.waiting = this.waiting.filter(({ found, resolve, reject }) => {
      const result = found();
      if (result) resolve(result);
      else if (this.ended) reject(this.ended);
      else return true;
      return false;
    });
  }

  until(found) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ found, resolve, reject });
      this.wake();
    });
  }

  send(fields) {
    this.number += 1;
    this.call.write({ number: this.number, ...fields });
    return this.number;
  }

  async reply(id) {
    const item = await this.until(() => this.items.find((each) => each.reply && each.reply.id === String(id)));
    return item.reply;
  }

  events() {
    return this.items.filter((item) => item.event).map(({ event }) => ({
      zxid: event.zxid, kind: event.kind, path: event.path, data: event.data.toString(),
    }));
  }

  async beat() {
    const number = BigInt(this.send({}));
    await this.until(() => this.confirmed >= number);
  }

  /* As if the connection broke. */
  cut() {
    this.call.cancel();
    this.client.close();
  }
}

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function step(name, said = {}) {
  process.stdout.write(`${JSON.stringify({ step: name, ...said })}\n`);
  const { done } = await lines.next();
  assert(!done, 'the test went away');
}

function watch(id, afterZxid) {
  return {
    id, watch: {
      watchId: 1, afterZxid: String(afterZxid),
      tree: { path, scope: 'WATCH_SCOPE_SUBTREE', withData: true },
    },
  };
}

async function main() {
  const secret = crypto.randomBytes(16);
  let stream = new Stream(endpoints[0]);
  stream.send({ hello: { client: 'stock-node/1', open: {
    secretHash: crypto.createHash('sha256').update(secret).digest(), timeoutMs: 10000,
  } } });
  let welcome = await stream.until(() => stream.welcome);
  assert.strictEqual(welcome.code, 'CODE_OK', welcome.message);
  assert.strictEqual(welcome.attach, '1');
  const session = welcome.sessionId;
  const { clusterId, generation } = welcome;

  stream.send({ requests: [watch(1, 0)] });
  assert.strictEqual((await stream.reply(1)).code, 'CODE_OK');
  stream.send({ requests: [{ id: 2, seq: 1, create: {
    path: `${path}/me`, data: Buffer.from('here'), kind: 'NODE_KIND_EPHEMERAL',
  } }] });
  const created = await stream.reply(2);
  assert.strictEqual(created.code, 'CODE_OK', created.message);
  assert.strictEqual(created.create.stat.ephemeralOwner, session);
  let seen = BigInt(created.zxid);
  let events = [];
  await step('opened', { session, replica: welcome.replicaId });

  await stream.until(() => stream.events().length >= 2);
  await stream.beat();

  for (const [index, endpoint] of endpoints.slice(1).entries()) {
    events.push(...stream.events());
    for (const { zxid } of stream.events()) if (BigInt(zxid) > seen) seen = BigInt(zxid);
    const completeTo = stream.completeTo;
    stream.cut();
    await step('away');
    stream = new Stream(endpoint);
    stream.send({ hello: { client: 'stock-node/1', clusterId, generation, lastSeenZxid: String(seen),
      resume: { sessionId: session, secret, attach: index + 2 } } });
    welcome = await stream.until(() => stream.welcome);
    assert.strictEqual(welcome.code, 'CODE_OK', welcome.message);
    assert.strictEqual(welcome.sessionId, session);
    assert.strictEqual(welcome.lastSeq, '1');
    stream.send({ requests: [watch(10, completeTo)], rearmDone: true, replyMark: 1 });
    assert.strictEqual((await stream.reply(10)).code, 'CODE_OK');
    await stream.until(() => stream.events().length >= 1);
    await step('resumed', { session, replica: welcome.replicaId });
    await stream.until(() => stream.events().length >= 2);
    await stream.beat();
  }
  events.push(...stream.events());
  await step('heard', { events });

  stream.send({ requests: [{ id: 99, seq: 2, close: {} }], replyMark: 1 });
  assert.strictEqual((await stream.reply(99)).code, 'CODE_OK');
  process.stdout.write(`${JSON.stringify({ step: 'closed' })}\n`);
  stream.cut();
}

main().then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
