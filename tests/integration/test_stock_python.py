#!/usr/bin/env python3
"""Python's stock gRPC client follows the contract by hand: a session with all that it promises."""

import threading
import time

import session_client
from session_client import Session, ops

import harness  # pylint: disable=wrong-import-order

SUBTREE = ops.WATCH_SCOPE_SUBTREE
CREATED = ops.EVENT_KIND_CREATED


class Heart(threading.Thread):
    """Beats for a session that has nothing else to say."""

    def __init__(self, session, seconds):
        super().__init__(daemon=True)
        self.session = session
        self.seconds = seconds
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.wait(self.seconds):
            stream = self.session.stream
            if stream is not None:
                stream.send()


class StockPython(harness.ClusterTest):
    def port(self, number):
        return self.cluster.replicas[number - 1].client_port

    def test_session_from_replica_to_replica(self):
        control = self.cluster.coordctl()
        control.do("create", "/stock")
        session = Session(self.cluster.client)
        welcome = session.open(self.port(1))
        self.assertEqual(welcome.code, ops.CODE_OK, welcome)
        self.assertEqual((welcome.identity, welcome.attach, welcome.timeout_ms),
                         ("cn:client", 1, 10000))
        self.assertEqual(welcome.replica_id, 1)

        reply = session.watch(tree=ops.TreeWatch(path="/stock", scope=SUBTREE, with_data=True))
        self.assertEqual(reply.code, ops.CODE_OK, reply)
        reply = session.create("/stock/me", b"here", kind=ops.NODE_KIND_EPHEMERAL)
        self.assertEqual(reply.code, ops.CODE_OK, reply)
        self.assertEqual(reply.create.stat.ephemeral_owner, session.id)
        self.assertIn(b"here", control.do("get", "/stock/me"))

        control.do("create", "/stock/before", "1")
        session.stream.wait("the event", lambda: len(session.events()) >= 2)
        # The event of its own write came before the reply to it (R18).
        kinds = [item.WhichOneof("item") for item in session.stream.items()]
        paths = [item.event.path for item in session.stream.items()]
        self.assertLess(paths.index("/stock/me"), len(kinds) - kinds[::-1].index("reply") - 1)

        for number in (2, 3, 1):
            session.leave()
            control.do("create", f"/stock/while-away-{number}", "2")
            welcome = session.resume(self.port(number))
            self.assertEqual((welcome.code, welcome.session_id, welcome.replica_id),
                             (ops.CODE_OK, session.id, number), welcome)
            self.assertEqual(welcome.last_seq, session.seq)
            control.do("create", f"/stock/again-{number}", "3")
            session.stream.wait("the event", lambda number=number: any(
                path == f"/stock/again-{number}" for _, path, _ in session.events()))
            session.heartbeat()
        events = session.events()
        self.assertEqual([path for _, path, kind in events if kind == CREATED], [
            "/stock/me", "/stock/before", "/stock/while-away-2", "/stock/again-2",
            "/stock/while-away-3", "/stock/again-3", "/stock/while-away-1", "/stock/again-1"])
        self.assertEqual(events, sorted(set(events)), "each once, in order")

        self.assertIn(b"here", control.do("get", "/stock/me"))
        reply = session.write(close=ops.CloseRequest())
        self.assertEqual(reply.code, ops.CODE_OK, reply)
        self.assertEqual(control.run("get", "/stock/me").code, harness.Coordctl.REFUSED)

    def test_expiry_deletes_and_tells(self):
        """Nobody beats for it any more: its ephemeral goes, not before its time, and a watcher hears."""
        watcher = Session(self.cluster.client)
        watcher.open(self.port(2))
        watcher.create("/expiry")
        watcher.watch(tree=ops.TreeWatch(path="/expiry", scope=SUBTREE))
        heart = Heart(watcher, 1)
        heart.start()
        self.addCleanup(heart.stopped.set)
        dying = Session(self.cluster.client, timeout_ms=2000)
        self.assertEqual(dying.open(self.port(1)).timeout_ms, 2000)
        dying.create("/expiry/mine", kind=ops.NODE_KIND_EPHEMERAL)
        dying.heartbeat()
        last_ms = dying.stream.sent_ms[dying.stream.confirmed()]
        dying.stream.cut()

        def gone():
            return [zxid for zxid, path, kind in watcher.events()
                    if (path, kind) == ("/expiry/mine", ops.EVENT_KIND_DELETED)]
        watcher.stream.wait("the end of the ephemeral", gone)
        lived = time.monotonic() * 1000 - last_ms
        print(f"\nexpired {lived:.0f} ms after the last frame that was confirmed; timeout 2000 ms")
        self.assertGreaterEqual(lived, 2000)
        self.assertLess(lived, 8000)
        stream = session_client.Stream(self.port(3), self.cluster.client)
        self.addCleanup(stream.cut)
        stream.send(hello=dying.resume_hello())
        self.assertEqual(stream.welcome().code, ops.CODE_SESSION_EXPIRED)

    def test_queue_front(self):
        """Two in a queue: the second one hears that it is in front, with its fence, when the first goes."""
        first, second = Session(self.cluster.client), Session(self.cluster.client)
        first.open(self.port(1))
        second.open(self.port(2))
        first.create("/queue")
        mine = {}
        for session in (first, second):
            created = session.create("/queue/w-", kind=ops.NODE_KIND_EPHEMERAL, sequential=True)
            mine[session] = created.create
            reply = session.watch(queue_front=ops.QueueFrontWatch(path=created.create.path))
            self.assertEqual(reply.code, ops.CODE_OK, reply)

        def fronts(session):
            return [item.queue_front for item in session.stream.items()
                    if item.WhichOneof("item") == "queue_front"]
        first.stream.wait("the first is in front", lambda: fronts(first))
        second.stream.wait("the second waits", lambda: fronts(second))
        self.assertEqual(fronts(first)[-1].fence, mine[first].stat.czxid)
        states = [front.state for front in fronts(second)]
        self.assertEqual(states, [session_client.api.QUEUE_STATE_WAITING])
        first.write(close=ops.CloseRequest())
        second.stream.wait("the second is in front", lambda: (
            fronts(second)[-1].state == session_client.api.QUEUE_STATE_FRONT))
        self.assertEqual(fronts(second)[-1].fence, mine[second].stat.czxid)
        held = ops.Held(path=mine[second].path, fence=mine[second].stat.czxid)
        written = second.write(set=ops.SetRequest(path="/queue", data=b"x"), if_held=held)
        self.assertEqual(written.code, ops.CODE_OK, written)
        stale = ops.Held(path=mine[first].path, fence=mine[first].stat.czxid)
        written = second.write(set=ops.SetRequest(path="/queue", data=b"y"), if_held=stale)
        self.assertEqual(written.code, ops.CODE_NOT_HELD, written)
        second.leave()


if __name__ == "__main__":
    harness.main()
