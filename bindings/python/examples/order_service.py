"""order_service.py INSTANCE PORT, see README.md: the wire by hand, as bindings/SPEC.md has it."""

import asyncio
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import signal
import sys
import time

import grpc
from coord.v1 import coord_pb2 as api
from coord.v1.coord_pb2_grpc import CoordinationStub

NAME, DIRECTORY = "order-service", "/services/order-service"
CREATE, CLOSE, WATCH, LIST = 1, 2, 3, 4  # ids of requests; those of the writes are also their seqs
ADVICE = {"NODE_EXISTS": "another session has registered it; end that, or take another INSTANCE:"}


def fail(sentence, code=2):
    print(f"order_service: {sentence}", file=sys.stderr)
    sys.exit(code)


class OrderService:
    """One session, which one stream at a time carries. The program exits where it is over."""

    def __init__(self, instance, port, session_ms):
        for name, text, most in ("PORT", port, 65535), ("COORD_SESSION_MS", session_ms, 2**32 - 1):
            if not text.isdecimal() or not 0 < int(text) <= most:
                fail(f"{name} is {text}; it must be a whole number from 1 to {most}")
        self.path, self.secret, self.instances = f"{DIRECTORY}/{instance}", os.urandom(16), {}
        self.since, self.patience, self.attach = time.monotonic(), 10, itertools.count(2)
        start = {"secret_hash": hashlib.sha256(self.secret).digest(), "timeout_ms": int(session_ms)}
        self.hello = api.Hello(client="order-service/0.1.0", open=start)
        data = {"name": NAME, "id": instance, "address": "127.0.0.1", "port": int(port)}
        create = {"path": self.path, "data": json.dumps(data).encode(), "parents": True,
                  "kind": api.NODE_KIND_EPHEMERAL, "parents_kind": api.NODE_KIND_CONTAINER}
        self.unanswered = {CREATE: {"id": CREATE, "seq": CREATE, "create": create}}

    async def run(self, endpoints, credentials):
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self.close)
        for endpoint in itertools.cycle(endpoints):
            self.outbox, self.sent, self.beat, self.stale = asyncio.Queue(), {}, None, True
            try:
                async with grpc.aio.secure_channel(endpoint, credentials) as channel:
                    self.stream = aiter(CoordinationStub(channel).Session(self.frames()))
                    await self.attend()
            except (grpc.RpcError, ConnectionError, TimeoutError, StopAsyncIteration) as lost:
                problem = lost.details() if isinstance(lost, grpc.RpcError) else repr(lost)
            if time.monotonic() > self.since + self.patience:
                fail(f"no replica of {','.join(endpoints)} answers within {self.patience} s (last "
                     f"error: {problem}); check that coordd runs there and that the certificates fit", 1)
            await asyncio.sleep(0.25)

    async def frames(self):  # what goes out, at the least an empty frame every sixth of the timeout
        if self.hello.HasField("resume"):
            self.hello.resume.attach = next(self.attach)
        fields = {"hello": self.hello}
        for number in itertools.count(1):
            self.sent[number] = time.monotonic()
            yield api.ClientFrame(number=number, **fields)
            fields = {}
            with contextlib.suppress(TimeoutError):
                fields = await asyncio.wait_for(self.outbox.get(), self.beat)

    async def attend(self):
        """Opens the session or goes on with it; then lists whenever something may have changed."""
        welcome, resumed = (await self.read()).welcome, self.hello.HasField("resume")
        self.patience, self.beat = 0.98 * welcome.timeout_ms / 1000, welcome.timeout_ms / 6000
        self.hello.cluster_id, self.hello.generation = welcome.cluster_id, welcome.generation
        self.hello.resume.session_id, self.hello.resume.secret = welcome.session_id, self.secret
        watch = {"watch_id": 1, "tree": {"path": DIRECTORY, "scope": api.WATCH_SCOPE_CHILDREN}}
        requests = [{"id": WATCH, "watch": watch}, *self.unanswered.values()]
        self.outbox.put_nowait({"requests": requests, "rearm_done": resumed})
        while True:
            self.stale, found, cursor = False, {}, None
            while cursor != b"":
                children = {"path": DIRECTORY, "with_data": True, "cursor": cursor or b""}
                request, self.page = {"id": LIST, "after_seq": CREATE, "children": children}, None
                self.outbox.put_nowait({"requests": [request]})
                while not self.page:
                    await self.read()
                for child in self.page.children:
                    with contextlib.suppress(ValueError, TypeError, LookupError, RecursionError):
                        data = json.loads(child.data)  # those of no instance are left out
                        named = (data["name"], data["id"]) == (NAME, child.name)
                        if named and data["address"] and data["port"] in range(1, 65536):
                            found[child.name] = data["address"] + f":{data['port']:d}"
                cursor = self.page.cursor
            for name, _ in sorted(self.instances.items() - found.items()):
                print(f"left {name}", flush=True)
            for name, place in sorted(found.items() - self.instances.items()):
                print(f"joined {name} {place}", flush=True)
            self.instances = found
            while not self.stale:
                await self.read()

    async def read(self):
        frame = await asyncio.wait_for(anext(self.stream), self.patience / 2)
        if frame.confirmed in self.sent:
            self.since = self.sent[frame.confirmed]
            self.sent = {number: at for number, at in self.sent.items() if number > frame.confirmed}
        replies = [item.reply for item in frame.items if item.HasField("reply")]
        for told in (frame.welcome, *replies):  # a welcome that is not there is OK
            code = api.Code.Name(told.code).removeprefix("CODE_")
            if code in "BUSY NO_LEADER BEHIND SHUTTING_DOWN NOT_BORN CURSOR_EXPIRED".split():
                raise ConnectionError(f"{code} {told.message}")
            if code != "OK":
                fail(f"{self.path}: {ADVICE.get(code, code)} {told.message}", 1)
        for reply in replies:
            self.hello.last_seen_zxid = max(self.hello.last_seen_zxid, reply.zxid)
            if reply.id == CLOSE:
                sys.exit(print("closed"))
            if reply.id == LIST:
                self.page = reply.children
            if self.unanswered.pop(reply.id, None):
                print(f"registered {self.path}", flush=True)
        kinds = {item.WhichOneof("item") for item in frame.items}
        if kinds & {"go_away", "no_leader", "lagged"}:  # another stream puts it right
            raise ConnectionError(f"the replica says {kinds}")
        self.stale |= bool(kinds & {"event", "resync"})
        return frame

    def close(self):
        if not self.hello.HasField("resume"):
            sys.exit(print("closed"))
        close = {"id": CLOSE, "seq": CLOSE, "close": {}}
        if self.unanswered.setdefault(CLOSE, close) is close and self.beat:
            self.outbox.put_nowait({"requests": [close]})


def pem(name):
    path = os.environ.get(name) or fail(f"{name} is not set; it must name a PEM file")
    try:
        text = pathlib.Path(path).read_bytes()
    except OSError as error:
        fail(f"{name}: cannot read {path}: {error.strerror}; it must name a PEM file")
    return text if b"-----BEGIN " in text else fail(f"{name}: {path} is no PEM file")


_, instance, port = sys.argv if len(sys.argv) == 3 else fail("usage: order_service INSTANCE PORT")
endpoints = os.environ.get("COORD_ENDPOINTS") or fail("COORD_ENDPOINTS is not set")
pems = [pem(name) for name in ("COORD_CACERT", "COORD_KEY", "COORD_CERT")]
service = OrderService(instance, port, os.environ.get("COORD_SESSION_MS", "10000"))
asyncio.run(service.run(endpoints.split(","), grpc.ssl_channel_credentials(*pems)))
