"""A session of proto/coord/v1/coord.proto by hand, on Python's stock gRPC: stubs are generated from
proto/ when this is imported, and nothing of libclient or coordd is used.

Stream is one gRPC stream: it numbers the frames that it sends and keeps those that come. Session is
what a client library would be: id, secret, attach number, seqs, reply mark, watches, resume.
"""

import hashlib
import os
import secrets
import sys
import tempfile
import threading
import time

import stock

stock.use()

# pylint: disable=wrong-import-position
import grpc  # noqa: E402
from grpc_tools import protoc  # noqa: E402

PROTO = os.path.join(stock.ROOT, "proto")
SECONDS = 30


def _generate():
    """The modules coord.v1.* out of proto/, in a folder that lives as long as the process."""
    folder = tempfile.TemporaryDirectory(prefix="coord-stubs-")
    files = [f"coord/v1/{name}.proto" for name in ("coord", "operations", "admin")]
    done = protoc.main(["protoc", f"-I{PROTO}", f"--python_out={folder.name}",
                        f"--grpc_python_out={folder.name}", *files])
    if done != 0:
        raise RuntimeError(f"protoc ended with {done}")
    sys.path.insert(0, folder.name)
    return folder


_stubs = _generate()
from coord.v1 import coord_pb2 as api  # noqa: E402
from coord.v1 import coord_pb2_grpc, operations_pb2 as ops  # noqa: E402


class Ended(Exception):
    """The stream ended; `status` is its grpc.StatusCode."""

    def __init__(self, status, details):
        super().__init__(f"the stream ended with {status}: {details}")
        self.status = status
        self.details = details


class Stream:
    """One stream of Coordination.Session on a channel of its own."""

    def __init__(self, port, identity):
        self.channel = stock.channel(port, identity)
        self.number = 0
        self.frames = []      # all ServerFrames so far
        self.end = None       # Ended, once it has
        self.sent_ms = {}     # frame number: when it was sent
        self.paused = threading.Event()
        self.paused.set()     # cleared: nothing is read
        self._news = threading.Condition()
        self._out = []
        self._closing = False
        self.call = coord_pb2_grpc.CoordinationStub(self.channel).Session(self._outgoing())
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _outgoing(self):
        while True:
            with self._news:
                self._news.wait_for(lambda: self._out or self._closing)
                if not self._out:
                    return
                frame = self._out.pop(0)
            yield frame

    def _read(self):
        try:
            for frame in self.call:
                self.paused.wait()
                with self._news:
                    self.frames.append(frame)
                    self._news.notify_all()
            end = Ended(self.call.code(), self.call.details())
        except grpc.RpcError as error:
            end = Ended(error.code(), error.details())  # pylint: disable=no-member
        with self._news:
            self.end = end
            self._news.notify_all()

    def send(self, **fields):
        """A ClientFrame with the next number."""
        with self._news:
            self.number += 1
            self.sent_ms[self.number] = time.monotonic() * 1000
            self._out.append(api.ClientFrame(number=self.number, **fields))
            self._news.notify_all()
            return self.number

    def wait(self, what, found, seconds=SECONDS):
        """The first true found(), tried at each frame; Ended if the stream ends before."""
        with self._news:
            def settled():
                return found() or self.end is not None
            if not self._news.wait_for(settled, seconds):
                raise AssertionError(f"not within {seconds} s: {what}")
            result = found()
            if result:
                return result
            raise Ended(self.end.status, f"{self.end.details} {self._farewell()}")

    def _farewell(self):
        """What the replica said before it ended the stream."""
        return [str(item.go_away).strip().replace("\n", ", ") for frame in self.frames
                for item in frame.items if item.WhichOneof("item") == "go_away"]

    def wait_end(self, seconds=SECONDS):
        with self._news:
            if not self._news.wait_for(lambda: self.end is not None, seconds):
                raise AssertionError(f"the stream did not end within {seconds} s")
            return self.end

    def waiting_to_go(self):
        """Frames that gRPC has not taken yet."""
        with self._news:
            return len(self._out)

    def welcome(self, number=0):
        """The Welcome of the first hello, or of a later one."""
        def found():
            seen = [frame.welcome for frame in self.frames if frame.HasField("welcome")]
            return seen[number] if len(seen) > number else None
        return self.wait("a welcome", found)

    def items(self):
        """All items so far, in order."""
        return [item for frame in list(self.frames) for item in frame.items]

    def reply(self, request_id):
        def found():
            return next((item.reply for item in self.items()
                         if item.WhichOneof("item") == "reply" and item.reply.id == request_id), None)
        return self.wait(f"the reply to request {request_id}", found)

    def go_away(self):
        return self.wait("a GoAway", lambda: next(
            (item.go_away for item in self.items() if item.WhichOneof("item") == "go_away"), None))

    def complete_to(self):
        return max([frame.complete_to for frame in list(self.frames)], default=0)

    def events(self):
        """[(zxid, path, kind)] of all event items so far."""
        return [(item.event.zxid, item.event.path, item.event.kind)
                for item in self.items() if item.WhichOneof("item") == "event"]

    def confirmed(self):
        return max([frame.confirmed for frame in list(self.frames)], default=0)

    def cut(self):
        """As if the connection broke."""
        with self._news:
            self._closing = True
            self._news.notify_all()
        self.paused.set()
        self.call.cancel()
        self._reader.join(SECONDS)
        self.channel.close()


class Session:
    """A session by the rules of coord.proto. One thread uses it; streams read in their own."""

    def __init__(self, identity, timeout_ms=10000):
        self.identity = identity
        self.timeout_ms = timeout_ms
        self.secret = secrets.token_bytes(16)
        self.id = 0
        self.attach = 0
        self.seq = 0
        self.mark = 0               # reply_mark
        self.seen = 0               # last_seen_zxid
        self.complete_to = 0
        self.cluster_id = b""
        self.generation = 0
        self.watches = {}           # id: WatchRequest without after_zxid
        self.unanswered = {}        # seq: Request
        self.told = []              # events of the streams before this one
        self.replies = {}           # request id: Reply, of the streams before this one
        self.stream = None
        self._next_id = 1
        self._next_watch = 1

    def hello(self, **session):
        return api.Hello(cluster_id=self.cluster_id, generation=self.generation,
                         last_seen_zxid=self.seen, client="stock-python/1", **session)

    def open(self, port):
        self.stream = Stream(port, self.identity)
        self.stream.send(hello=self.hello(open=api.OpenSession(
            secret_hash=hashlib.sha256(self.secret).digest(), timeout_ms=self.timeout_ms)))
        welcome = self.stream.welcome()
        if welcome.code == ops.CODE_OK:
            self.id, self.attach = welcome.session_id, welcome.attach
            self.cluster_id, self.generation = welcome.cluster_id, welcome.generation
        return welcome

    def resume_hello(self, **changed):
        """The hello of the next attachment; `changed`: fields of ResumeSession to get wrong."""
        self.attach += 1
        fields = {"session_id": self.id, "secret": self.secret, "attach": self.attach, **changed}
        return self.hello(resume=api.ResumeSession(**fields))

    def leave(self):
        """The stream is lost; what it told is kept."""
        self._take_in()
        self.stream.cut()
        self.stream = None

    def resume(self, port):
        """On another stream: hello, watches from where they were, unanswered writes, rearm_done."""
        if self.stream is not None:
            self.leave()
        self.stream = Stream(port, self.identity)
        self.stream.send(hello=self.resume_hello())
        welcome = self.stream.welcome()
        if welcome.code != ops.CODE_OK:
            return welcome
        requests = []
        for watch in self.watches.values():
            again = api.Request(id=self._take_id())
            again.watch.CopyFrom(watch)
            again.watch.after_zxid = self.complete_to
            requests.append(again)
        requests += [self.unanswered[seq] for seq in sorted(self.unanswered)]
        self.stream.send(requests=requests, rearm_done=True, reply_mark=self.mark)
        return welcome

    def _take_id(self):
        self._next_id += 1
        return self._next_id

    def _take_in(self):
        """Learns from all that the stream has told."""
        for frame in list(self.stream.frames):
            for item in frame.items:
                kind = item.WhichOneof("item")
                if kind == "reply":
                    self.seen = max(self.seen, item.reply.zxid)
                    self.replies[item.reply.id] = item.reply
                    self._answered(item.reply.id)
                elif kind == "event":
                    self.seen = max(self.seen, item.event.zxid)
            self.complete_to = max(self.complete_to, frame.complete_to)
        self.told += self.stream.events()

    def _answered(self, request_id):
        for seq, request in list(self.unanswered.items()):
            if request.id == request_id:
                del self.unanswered[seq]
        self.mark = min(self.unanswered, default=self.seq + 1) - 1

    def events(self):
        """All events of the session's life, over all streams."""
        return self.told + (self.stream.events() if self.stream is not None else [])

    def answer(self, request):
        """The reply to a request, on whichever stream it came."""
        return self.replies.get(request.id) or self.stream.reply(request.id)

    def lose_answer(self, request):
        """The stream is lost, and with it the answer to the newest write, as far as this client knows."""
        self.leave()
        self.unanswered[request.seq] = request
        self.mark = request.seq - 1
        self.replies.pop(request.id, None)

    def request(self, **operation):
        """A write with the next seq, not sent yet; operation: field of Request = its message."""
        self.seq += 1
        request = api.Request(id=self._take_id(), seq=self.seq, **operation)
        self.unanswered[self.seq] = request
        return request

    def write(self, **operation):
        """Its reply."""
        request = self.request(**operation)
        self.stream.send(requests=[request], reply_mark=self.mark)
        reply = self.stream.reply(request.id)
        self.seen = max(self.seen, reply.zxid)
        self._answered(request.id)
        return reply

    def create(self, path, data=b"", **fields):
        return self.write(create=ops.CreateRequest(path=path, data=data, **fields))

    def read(self, **operation):
        """The reply to something without a seq; level and the like are given with it."""
        request = api.Request(id=self._take_id(), **{"after_seq": self.seq, **operation})
        self.stream.send(requests=[request])
        reply = self.stream.reply(request.id)
        self.seen = max(self.seen, reply.zxid)
        return reply

    def watch(self, **target):
        """target: tree or queue_front; the reply. It is set again at each resume."""
        request = ops.WatchRequest(watch_id=self._next_watch, **target)
        self._next_watch += 1
        reply = self.read(watch=request)
        if reply.code == ops.CODE_OK:
            self.watches[request.watch_id] = request
        return reply

    def heartbeat(self):
        """Sends an empty frame and waits until it is confirmed."""
        number = self.stream.send()
        self.stream.wait("a heartbeat is confirmed", lambda: self.stream.confirmed() >= number)


def call(port, identity, request, key=b"", seconds=SECONDS):
    """Coordination.Call: the Reply."""
    with stock.channel(port, identity) as channel:
        return coord_pb2_grpc.CoordinationStub(channel).Call(
            api.CallRequest(request=request, key=key), timeout=seconds).reply
