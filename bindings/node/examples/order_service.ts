// order_service.js INSTANCE PORT, see README.md: the wire by hand, by the rules of bindings/SPEC.md.
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type ChannelCredentials, type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import * as api from "../src/gen/coord/v1/coord.js";
import { Code, NodeKind, WatchScope } from "../src/gen/coord/v1/operations.js";

const [NAME, DIRECTORY] = ["order-service", "/services/order-service"];
const [CREATE, CLOSE, WATCH, LIST] = [1n, 2n, 3n, 4n]; // ids of requests; those of the writes are their seqs too
const ELSEWHERE = ["BUSY", "NO_LEADER", "BEHIND", "SHUTTING_DOWN", "NOT_BORN", "CURSOR_EXPIRED"];

/** One session, which one stream at a time carries. The program exits where it is over. */
class OrderService {
  private readonly secret = randomBytes(16);
  private readonly hello: api.Hello;
  private readonly unanswered = new Map<bigint, api.Request>(); // writes
  private send!: (fields: Parameters<typeof api.ClientFrame.fromPartial>[0]) => unknown; // on the stream at hand
  private welcomed = false; // there
  private patience = 10_000; // ms without a sign of the cluster; in a session its timeout
  private since = performance.now(); // when the newest frame that was confirmed had been sent
  private instances = new Map<string, string>(); // their places, by name
  private listing?: Map<string, string>; // what the list that is under way has found
  private stale = false; // since that one was asked for

  constructor(private readonly path: string, data: object, private readonly timeoutMs: number) {
    const secretHash = createHash("sha256").update(this.secret).digest();
    this.hello = api.Hello.fromPartial({ client: "order-service/0.1.0", open: { secretHash, timeoutMs } });
    const parents = { parents: true, parentsKind: NodeKind.NODE_KIND_CONTAINER };
    const create = { path, data: Buffer.from(JSON.stringify(data)), kind: NodeKind.NODE_KIND_EPHEMERAL, ...parents };
    this.unanswered.set(CREATE, api.Request.fromPartial({ id: CREATE, seq: CREATE, create }));
  }

  async run(endpoints: string[], security: ChannelCredentials): Promise<never> {
    for (let turn = 0; ; turn++) {
      const client = new api.CoordinationClient(endpoints[turn % endpoints.length]!, security);
      const lost = await this.attend(client.session()).catch((error: Error) => error.message);
      client.close();
      if (performance.now() > this.since + this.patience)
        exit(1, `no replica of ${endpoints} answers within ${this.patience / 1000} s (last error: ${lost ?? "the stream ended"}); ` +
          "check that coordd runs there and that the certificates fit");
      await sleep(100);
    }
  }

  /** Opens the session or goes on with it, while the stream lasts. */
  private async attend(stream: ClientDuplexStream<api.ClientFrame, api.ServerFrame>): Promise<void> {
    const [began, sent] = [performance.now(), [0]]; // sent when, by the number of the frame
    this.send = (fields) =>
      stream.write(api.ClientFrame.fromPartial({ ...fields, number: BigInt(sent.push(performance.now()) - 1) }));
    const beat = setInterval(() => {
      if (performance.now() > Math.max(began, this.since) + this.patience / 2) stream.cancel();
      else if (this.welcomed) this.send({});
    }, this.timeoutMs / 6);
    stream.on("error", () => {}); // the loop below gets it too, while it runs
    try {
      if (this.hello.resume) this.hello.resume.attach++;
      this.send({ hello: this.hello });
      for await (const frame of stream as AsyncIterable<api.ServerFrame>) {
        if (frame.welcome) this.enter(frame.welcome);
        this.since = sent[Number(frame.confirmed)] || this.since;
        for (const item of frame.items) this.take(item);
        if (this.stale && !this.listing) this.list();
      }
    } finally {
      [this.welcomed, this.listing] = [false, undefined];
      clearInterval(beat);
      stream.cancel();
    }
  }

  private enter({ code, message, sessionId, attach, timeoutMs, clusterId, generation }: api.Welcome) {
    this.check(code, message);
    const watch = { watchId: 1n, tree: { path: DIRECTORY, scope: WatchScope.WATCH_SCOPE_CHILDREN } };
    this.send({ requests: [{ id: WATCH, watch }, ...this.unanswered.values()], rearmDone: !!this.hello.resume });
    this.hello.resume = { sessionId, attach, secret: this.secret };
    Object.assign(this.hello, { open: undefined, clusterId, generation });
    [this.patience, this.welcomed, this.stale] = [timeoutMs, true, true];
  }

  private list(cursor?: Buffer) {
    if (!cursor) [this.stale, this.listing] = [false, new Map()];
    this.send({ requests: [{ id: LIST, afterSeq: CREATE, children: { path: DIRECTORY, withData: true, cursor } }] });
  }

  private take({ reply, event, resync, bookmark }: api.Item) {
    if (event || resync || bookmark) this.stale ||= !bookmark;
    else if (!reply) throw new Error("the replica cannot go on with this stream"); // another one can
    if (!reply) return;
    this.check(reply.code, reply.message);
    if (reply.zxid > this.hello.lastSeenZxid) this.hello.lastSeenZxid = reply.zxid;
    if (reply.id === CLOSE) exit(0, "closed");
    if (this.unanswered.delete(reply.id)) console.log(`registered ${this.path}`);
    if (!reply.children || !this.listing) return;
    for (const { name, data } of reply.children.children)
      try {
        const { name: service, id, address, port } = JSON.parse(data.toString());
        const valid = service === NAME && id === name && typeof address === "string" && address && Number.isInteger(port);
        if (valid && port > 0 && port < 65536) this.listing.set(name, `${address}:${port}`);
      } catch {} // it describes no instance, and is left out
    if (reply.children.cursor.length) return this.list(reply.children.cursor);
    const [old, found] = [this.instances, this.listing];
    for (const [name, place] of old) if (found.get(name) !== place) console.log(`left ${name}`);
    for (const [name, place] of found) if (old.get(name) !== place) console.log(`joined ${name} ${place}`);
    [this.instances, this.listing] = [found, undefined];
  }

  private check(code: Code, message: string) {
    const name = (Code[code] ?? `${code}`).replace("CODE_", "");
    if (ELSEWHERE.includes(name)) throw new Error(`${name} ${message}`);
    if (name === "NODE_EXISTS") message = "another session has registered it; choose another INSTANCE, or end that one";
    if (name !== "OK") exit(1, `${this.path}: ${name} ${message}`);
  }

  close() {
    if (!this.hello.resume) exit(0, "closed");
    if (this.unanswered.has(CLOSE)) return;
    this.unanswered.set(CLOSE, api.Request.fromPartial({ id: CLOSE, seq: CLOSE, close: {} }));
    if (this.welcomed) this.send({ requests: [this.unanswered.get(CLOSE)!] });
  }
}

function exit(code: number, sentence: string): never {
  (code === 0 ? console.log : console.error)(code === 0 ? sentence : `order_service: ${sentence}`);
  process.exit(code);
}

function pem(variable: string): Buffer {
  const file = process.env[variable] || exit(2, `${variable} is not set; it must name a PEM file`);
  try {
    const text = readFileSync(file);
    return text.includes("-----BEGIN ") ? text : exit(2, `${variable}: ${file} is no PEM file, which it must name`);
  } catch (error) {
    exit(2, `${variable}: cannot read ${file}: ${(error as Error).message}; it must name a PEM file`);
  }
}

function whole(name: string, text: string): number {
  if (/^\d{1,5}$/.test(text) && +text > 0 && +text < 65536) return +text;
  exit(2, `${name} is ${text}; it must be a whole number from 1 to 65535`);
}

const [instance, port] = process.argv.slice(2);
if (!instance || !port || process.argv.length > 4) exit(2, "usage: order_service INSTANCE PORT");
const data = { name: NAME, id: instance, address: "127.0.0.1", port: whole("PORT", port) };
const timeoutMs = whole("COORD_SESSION_MS", process.env.COORD_SESSION_MS || "10000");
const endpoints = process.env.COORD_ENDPOINTS || exit(2, "COORD_ENDPOINTS is not set; it must be HOST:PORT,...");
const service = new OrderService(`${DIRECTORY}/${instance}`, data, timeoutMs);
for (const name of ["SIGINT", "SIGTERM"]) process.on(name, () => service.close());
await service.run(endpoints.split(","), credentials.createSsl(pem("COORD_CACERT"), pem("COORD_KEY"), pem("COORD_CERT")));
