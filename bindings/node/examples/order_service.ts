// order_service.js INSTANCE PORT: is registered while it runs, and prints which instances come and go.

import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { type Environment, Misuse, readEnvironment, wholeNumber } from "../src/environment.js";
import * as api from "../src/gen/coord/v1/coord.js";
import { NodeKind, WatchScope } from "../src/gen/coord/v1/operations.js";
import { check, Refused } from "../src/outcomes.js";
import { parseInstance, type ServiceInstance } from "../src/service_instance.js";

const [NAME, DIRECTORY] = ["order-service", "/services/order-service"];
const [CREATE, CLOSE, WATCH, LIST] = [1n, 2n, 3n, 4n]; // ids of requests; those of the writes are their seqs too

/** One session, which one stream at a time carries. */
class OrderService {
  private readonly path: string;
  private readonly secret = randomBytes(16);
  private readonly hello: api.Hello;
  private readonly unanswered = new Map<bigint, api.Request>(); // writes
  private send!: (fields: Parameters<typeof api.ClientFrame.fromPartial>[0]) => unknown; // on the stream at hand
  private welcomed = false; // there
  private patience = 10_000; // ms without a sign of the cluster; in a session its timeout
  private since = performance.now(); // when the newest frame that was confirmed had been sent
  private instances = new Map<string, string>(); // their places, by id
  private listing?: Map<string, string>; // what the list that is under way has found
  private stale = false; // since that one was asked for
  private closed = false;

  constructor(private readonly environment: Environment, instance: ServiceInstance) {
    this.path = `${DIRECTORY}/${instance.id}`;
    const open = { secretHash: createHash("sha256").update(this.secret).digest(), timeoutMs: environment.sessionMs };
    this.hello = api.Hello.fromPartial({ client: "order-service/0.1.0", open });
    const [kind, parentsKind] = [NodeKind.NODE_KIND_EPHEMERAL, NodeKind.NODE_KIND_CONTAINER];
    const data = Buffer.from(JSON.stringify(instance));
    this.write(CREATE, { create: { path: this.path, data, kind, parents: true, parentsKind } });
  }

  /** Goes from replica to replica until the session is closed. */
  async run() {
    const { endpoints, security } = this.environment;
    for (let turn = 0; !this.closed; turn++) {
      const client = new api.CoordinationClient(endpoints[turn % endpoints.length]!, security);
      const lost = await this.attend(client.session()).catch((error: Error) => error);
      client.close();
      if (lost instanceof Refused) throw lost;
      if (!this.closed && performance.now() > this.since + this.patience)
        throw new Refused(
          `no replica of ${endpoints} answers within ${this.patience / 1000} s (last error: ` +
            `${lost?.message ?? "the stream ended"}); check that coordd runs there and that the certificates fit`,
        );
      await sleep(100);
    }
  }

  /** Opens the session or goes on with it, while the stream lasts. */
  private async attend(stream: ClientDuplexStream<api.ClientFrame, api.ServerFrame>): Promise<undefined> {
    const sent = new Map<bigint, number>(); // which frame when, if it was not confirmed yet
    const began = performance.now();
    let number = 0n;
    this.send = (fields) => {
      sent.set(++number, performance.now());
      stream.write(api.ClientFrame.fromPartial({ ...fields, number }));
    };
    const beat = setInterval(() => {
      if (performance.now() > Math.max(began, this.since) + this.patience / 2) stream.cancel();
      else if (this.welcomed) this.send({});
    }, Math.min(this.patience, this.environment.sessionMs) / 6);
    stream.on("error", () => {}); // the loop below gets it too, while it runs
    try {
      if (this.hello.resume) this.hello.resume.attach++;
      this.send({ hello: this.hello });
      for await (const frame of stream as AsyncIterable<api.ServerFrame>) {
        if (frame.welcome) this.enter(frame.welcome);
        this.since = sent.get(frame.confirmed) ?? this.since;
        for (const each of sent.keys()) if (each <= frame.confirmed) sent.delete(each);
        for (const item of frame.items) this.take(item);
        if (this.closed) return;
        if (this.stale && !this.listing) this.list();
      }
    } finally {
      [this.welcomed, this.listing] = [false, undefined];
      clearInterval(beat);
      stream.cancel();
    }
  }

  private enter(welcome: api.Welcome) {
    check("the session", welcome);
    const { sessionId, attach, timeoutMs, clusterId, generation } = welcome;
    const watch = { watchId: 1n, tree: { path: DIRECTORY, scope: WatchScope.WATCH_SCOPE_CHILDREN } };
    this.send({ requests: [{ id: WATCH, watch }, ...this.unanswered.values()], rearmDone: !!this.hello.resume });
    this.hello.resume = { sessionId, attach, secret: this.secret };
    Object.assign(this.hello, { open: undefined, clusterId, generation });
    [this.patience, this.welcomed, this.stale] = [timeoutMs, true, true];
  }

  private write(seq: bigint, operation: Parameters<typeof api.Request.fromPartial>[0]) {
    this.unanswered.set(seq, api.Request.fromPartial({ ...operation, id: seq, seq }));
  }

  private list(cursor?: Buffer) {
    if (!cursor) [this.stale, this.listing] = [false, new Map()];
    this.send({ requests: [{ id: LIST, afterSeq: CREATE, children: { path: DIRECTORY, withData: true, cursor } }] });
  }

  private take({ reply, event, resync, bookmark }: api.Item) {
    if (event || resync) this.stale = true;
    else if (reply) this.answer(reply);
    else if (!bookmark) throw new Error("the replica cannot go on with this stream"); // another one can
  }

  private answer(reply: api.Reply) {
    check(this.path, reply);
    if (reply.zxid > this.hello.lastSeenZxid) this.hello.lastSeenZxid = reply.zxid;
    if (this.unanswered.delete(reply.id)) console.log(reply.id === CLOSE ? "closed" : `registered ${this.path}`);
    this.closed ||= reply.id === CLOSE;
    if (!reply.children || !this.listing) return;
    for (const { name, data } of reply.children.children) {
      const found = parseInstance(NAME, name, data); // what describes none is left out
      if (found) this.listing.set(name, `${found.address}:${found.port}`);
    }
    if (reply.children.cursor.length) return this.list(reply.children.cursor);
    const [old, found] = [this.instances, this.listing];
    for (const [id, place] of old) if (found.get(id) !== place) console.log(`left ${id}`);
    for (const [id, place] of found) if (old.get(id) !== place) console.log(`joined ${id} ${place}`);
    [this.instances, this.listing] = [found, undefined];
  }

  /** Has the cluster end the session, which ends run(). */
  close() {
    if (this.unanswered.has(CLOSE)) return;
    if (!this.hello.resume) process.exit(0); // there is none
    this.write(CLOSE, { close: {} });
    if (this.welcomed) this.send({ requests: [this.unanswered.get(CLOSE)!] });
  }
}

try {
  const [id, port, ...more] = process.argv.slice(2);
  if (!id || !port || more.length) throw new Misuse("usage: order_service.js INSTANCE PORT");
  const instance = { name: NAME, id, address: "127.0.0.1", port: wholeNumber("PORT", port, 65535) };
  const service = new OrderService(readEnvironment(), instance);
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => service.close());
  await service.run();
} catch (error) {
  if (!(error instanceof Misuse || error instanceof Refused)) throw error;
  console.error(`order_service: ${error.message}`);
  process.exitCode = error instanceof Misuse ? 2 : 1;
}
