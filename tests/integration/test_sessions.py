#!/usr/bin/env python3
"""What a client gets wrong, on purpose or not, and what it is promised when streams break.

Everything is asked with Python's stock gRPC client.
"""

import hashlib
import os
import secrets

from session_client import Session, Stream, api, call, ops

import harness  # pylint: disable=wrong-import-order
from harness import wait_until  # pylint: disable=wrong-import-order

MIB = 1024 * 1024
# How much more a replica may hold for one client that keeps no limit: what waits in gRPC, in the
# transport and for the log, and what the sanitizer adds.
GROWTH_BYTES_MAX = (700 if os.environ.get("COORD_SANITIZE") else 200) * MIB
SUBTREE = ops.WATCH_SCOPE_SUBTREE


class SessionsTest(harness.ClusterTest):
    def port(self, number=1):
        return self.cluster.replicas[number - 1].client_port

    def open(self, number=1, timeout_ms=10000):
        session = Session(self.cluster.client, timeout_ms)
        welcome = session.open(self.port(number))
        self.assertEqual(welcome.code, ops.CODE_OK, welcome)
        self.addCleanup(self.cut, session)
        return session

    @staticmethod
    def cut(session):
        if session.stream is not None:
            session.stream.cut()

    def stream(self, number=1, identity=None):
        stream = Stream(self.port(number), identity or self.cluster.client)
        self.addCleanup(stream.cut)
        return stream

    def value(self, path):
        return self.cluster.coordctl().do("get", path).decode()


class Resume(SessionsTest):
    """Who may go on with a session. Whoever may not leaves it as it was."""

    def setUp(self):
        self.session = self.open()
        self.path = f"/resume-{secrets.token_hex(4)}"
        reply = self.session.create(self.path, b"mine", kind=ops.NODE_KIND_EPHEMERAL)
        self.assertEqual(reply.code, ops.CODE_OK, reply)

    def assert_refused(self, stream, hello, code):
        stream.send(hello=hello)
        welcome = stream.welcome()
        self.assertEqual(welcome.code, code, welcome)
        self.assertNotEqual(welcome.message, "")
        self.assertEqual((welcome.session_id, welcome.last_seq), (0, 0), "nothing is told of it")
        self.assertEqual(stream.wait_end().status.value[0], 0, "the welcome says why")

    def assert_untouched(self):
        """The stream that serves it was not closed, and goes on."""
        self.assertIsNone(self.session.stream.end)
        self.session.heartbeat()
        reply = self.session.write(set=ops.SetRequest(path=self.path, data=b"still"))
        self.assertEqual(reply.code, ops.CODE_OK, reply)
        self.assertEqual(reply.set.stat.ephemeral_owner, self.session.id)
        # And its owner can still move on, with the attach number that was tried with wrong words.
        self.assertEqual(self.session.resume(self.port(2)).code, ops.CODE_OK)
        self.session.heartbeat()

    def wrong_hello(self, **changed):
        """One that does not count for the session."""
        hello = self.session.resume_hello(**changed)
        self.session.attach -= 1
        return hello

    def test_wrong_secret(self):
        for number in (1, 2):
            self.assert_refused(self.stream(number), self.wrong_hello(
                secret=secrets.token_bytes(16)), ops.CODE_SESSION_REFUSED)
            self.assert_refused(self.stream(number), self.wrong_hello(
                secret=b"short"), ops.CODE_INVALID_ARGUMENT)
        self.assert_untouched()

    def test_wrong_identity(self):
        other = self.cluster.authority.issue("somebody-else")
        for number in (1, 2):
            self.assert_refused(self.stream(number, other), self.wrong_hello(),
                                ops.CODE_SESSION_REFUSED)
        self.assert_untouched()

    def test_secret_of_another_session(self):
        other = self.open(3)
        self.assert_refused(self.stream(2), self.wrong_hello(session_id=other.id),
                            ops.CODE_SESSION_REFUSED)
        self.assert_untouched()

    def test_another_cluster(self):
        hello = self.wrong_hello()
        hello.cluster_id = bytes(byte ^ 1 for byte in hello.cluster_id)
        self.assert_refused(self.stream(2), hello, ops.CODE_WRONG_CLUSTER)
        plain = api.Hello(cluster_id=hello.cluster_id, generation=hello.generation)
        self.assert_refused(self.stream(2), plain, ops.CODE_WRONG_CLUSTER)
        self.assert_untouched()

    def test_another_generation(self):
        for generation in (self.session.generation - 1, self.session.generation + 1):
            hello = self.wrong_hello(
                session_id=(self.session.id & (1 << 48) - 1) | generation << 48)
            self.assert_refused(self.stream(2), hello, ops.CODE_WRONG_CLUSTER)
            if generation != 0:
                hello = self.wrong_hello()
                hello.generation = generation
                self.assert_refused(self.stream(2), hello, ops.CODE_WRONG_CLUSTER)
        self.assert_untouched()

    def test_a_session_that_never_was(self):
        """Its id is below what the state has reached: a zxid of something else."""
        self.assert_refused(self.stream(2), self.wrong_hello(session_id=self.session.id - 1),
                            ops.CODE_SESSION_EXPIRED)
        self.assert_untouched()

    def test_an_attach_number_that_is_not_newer(self):
        self.assertEqual(self.session.resume(self.port(2)).code, ops.CODE_OK)
        self.session.heartbeat()
        reply = self.session.write(set=ops.SetRequest(path=self.path, data=b"second"))
        self.assertEqual(reply.code, ops.CODE_OK)
        for attach, code in ((2, ops.CODE_SESSION_MOVED), (1, ops.CODE_INVALID_ARGUMENT)):
            self.assert_refused(self.stream(2), self.wrong_hello(attach=attach), code)
        self.assert_untouched()

    def test_the_older_stream_is_closed(self):
        """The newest attachment owns the session, wherever the older one is."""
        for number in (2, 2, 3):
            older, self.session.stream = self.session.stream, None
            self.assertEqual(self.session.resume(self.port(number)).code, ops.CODE_OK)
            reply = self.session.write(set=ops.SetRequest(path=self.path, data=b"newer"))
            self.assertEqual(reply.code, ops.CODE_OK, reply)
            self.assertEqual(older.go_away().code, ops.CODE_SESSION_MOVED)
            older.wait_end()
            older.cut()

    def test_an_older_stream_writes_nothing(self):
        """Its write, under the same seq as one of the newer stream, has no effect and no answer."""
        older, self.session.stream = self.session.stream, None
        self.assertEqual(self.session.resume(self.port(3)).code, ops.CODE_OK)
        reply = self.session.write(set=ops.SetRequest(path=self.path, data=b"newer"))
        self.assertEqual(reply.code, ops.CODE_OK, reply)
        late = api.Request(id=900, seq=self.session.seq,
                           set=ops.SetRequest(path=self.path, data=b"older"))
        older.send(requests=[late])
        older.wait_end()
        self.assertEqual([item.reply.id for item in older.items()
                          if item.WhichOneof("item") == "reply" and item.reply.id == 900], [])
        self.assertEqual(self.value(self.path).strip(), "newer")
        older.cut()


class Writes(SessionsTest):
    def test_sent_again_elsewhere_it_gets_its_first_answer(self):
        session = self.open(1)
        session.create("/counter", b"0")
        request = session.request(increment=ops.IncrementRequest(path="/counter", delta=1))
        session.stream.send(requests=[request], reply_mark=session.mark)
        first = session.stream.reply(request.id)
        self.assertEqual(first.increment.value, 1)
        for number in (2, 3, 1):  # its answer is "lost" each time
            session.lose_answer(request)
            session.resume(self.port(number))
            again = session.stream.reply(request.id)
            self.assertEqual(again, first)
        self.assertEqual(self.value("/counter").strip(), "1")

    def test_sent_and_cut_at_once_it_happens_once(self):
        """The stream breaks behind the frame: whether or not it arrived, it is done once."""
        session = self.open(1)
        session.create("/cut", b"0")
        values = []
        for turn in range(30):
            request = session.request(increment=ops.IncrementRequest(path="/cut", delta=1))
            session.stream.send(requests=[request], reply_mark=session.mark)
            if turn % 2:
                wait_until("gRPC took it", 10, lambda: session.stream.waiting_to_go() == 0)
            session.resume(self.port(turn % 3 + 1))
            values.append(session.answer(request).increment.value)
        self.assertEqual(values, list(range(1, 31)))
        self.assertEqual(self.value("/cut").strip(), "30")

    def test_a_refused_write_keeps_its_place(self):
        """It is answered as before when it is sent again, and the next seq goes on (R11)."""
        session = self.open(1)
        request = session.request(create=ops.CreateRequest(path="no/slash"))
        session.stream.send(requests=[request])
        first = session.stream.reply(request.id)
        self.assertEqual(first.code, ops.CODE_INVALID_ARGUMENT, first)
        session.lose_answer(request)
        session.resume(self.port(2))
        self.assertEqual(session.stream.reply(request.id), first)
        self.assertEqual(session.create("/after-a-refusal").code, ops.CODE_OK)

    def test_same_seq_with_another_request(self):
        session = self.open(1)
        first = session.request(create=ops.CreateRequest(path="/conflict", data=b"first"))
        session.stream.send(requests=[first])
        session.stream.reply(first.id)
        other = api.Request(id=500, seq=session.seq,
                            set=ops.SetRequest(path="/conflict", data=b"second"))
        session.leave()
        session.mark = 0  # else its reply would be forgotten, and the repeat dropped
        session.resume(self.port(2))
        session.stream.send(requests=[other])
        reply = session.stream.reply(500)
        self.assertEqual(reply.code, ops.CODE_SEQ_CONFLICT, reply)
        self.assertEqual(self.value("/conflict").strip(), "first")
        self.assertEqual(session.create("/conflict/next").code, ops.CODE_OK, "it goes on")

    def test_a_gap_in_the_seqs(self):
        session = self.open(1)
        session.create("/gap")
        session.seq += 1
        request = session.request(create=ops.CreateRequest(path="/gap/behind"))
        session.stream.send(requests=[request])
        self.assertEqual(session.stream.wait_end().status.value[0], 3)  # INVALID_ARGUMENT
        session.seq -= 2
        session.unanswered.clear()
        self.assertEqual(session.resume(self.port(2)).code, ops.CODE_OK)
        self.assertEqual(session.create("/gap/next").code, ops.CODE_OK)
        self.assertNotIn("behind", self.cluster.coordctl().do("ls", "/gap").decode())

    def test_a_gap_behind_a_resume(self):
        """A replica that has just taken the session over is told a later seq: nothing comes of it."""
        session = self.open(1)
        session.create("/gap-resume")
        session.resume(self.port(2))
        early = api.Request(id=700, seq=session.seq + 5,
                            create=ops.CreateRequest(path="/gap-resume/early"))
        session.stream.send(requests=[early])
        session.heartbeat()
        self.assertEqual([item for item in session.stream.items() if item.reply.id == 700], [])
        self.assertNotIn("early", self.cluster.coordctl().do("ls", "/gap-resume").decode())
        session.unanswered.clear()
        self.assertEqual(session.resume(self.port(3)).code, ops.CODE_OK)
        self.assertEqual(session.create("/gap-resume/next").code, ops.CODE_OK)

    def test_its_outcome_is_known_after_the_end(self):
        session = self.open(1)
        created = session.create("/outcome", b"1")
        session.mark = 0  # it never says that the answer arrived
        session.stream.send(requests=[session.request(close=ops.CloseRequest())])
        session.stream.wait_end()
        for seq, code in ((1, ops.CODE_OK), (2, ops.CODE_OK), (3, ops.CODE_NOT_APPLIED)):
            reply = call(self.port(2), self.cluster.client, api.Request(
                outcome_of=ops.OutcomeOfRequest(
                    session_id=session.id, secret=session.secret, seq=seq)))
            if code == ops.CODE_OK:
                self.assertEqual(reply.code, ops.CODE_OK, reply)
                self.assertEqual(reply.outcome_of.code, ops.CODE_OK, reply)
            else:
                self.assertIn(code, (reply.code, reply.outcome_of.code), reply)
            if seq == 1:
                self.assertEqual(reply.outcome_of.create, created.create)
        reply = call(self.port(2), self.cluster.client, api.Request(
            outcome_of=ops.OutcomeOfRequest(
                session_id=session.id, secret=secrets.token_bytes(16), seq=1)))
        self.assertEqual(reply.code, ops.CODE_SESSION_REFUSED, reply)


class Calls(SessionsTest):
    def increment(self, number, path, key=b"", delta=1):
        return call(self.port(number), self.cluster.client, api.Request(
            increment=ops.IncrementRequest(path=path, delta=delta, create=True)), key)

    def test_a_key_twice_is_one_write(self):
        key = secrets.token_bytes(16)
        first = self.increment(1, "/keyed", key)
        self.assertEqual((first.code, first.increment.value), (ops.CODE_OK, 1), first)
        for number in (1, 2, 3):
            self.assertEqual(self.increment(number, "/keyed", key), first)
        self.assertEqual(self.value("/keyed").strip(), "1")
        other = self.increment(2, "/keyed", secrets.token_bytes(16))
        self.assertEqual(other.increment.value, 2)
        outcome = call(self.port(3), self.cluster.client, api.Request(
            outcome_of=ops.OutcomeOfRequest(key=key)))
        self.assertEqual(outcome.outcome_of.increment, first.increment, outcome)

    def test_without_a_key_each_is_one(self):
        for value in (1, 2, 3):
            self.assertEqual(self.increment(value, "/unkeyed").increment.value, value)

    def test_a_key_for_another_request_or_identity(self):
        key = secrets.token_bytes(16)
        self.increment(1, "/key-conflict", key)
        reply = self.increment(2, "/key-conflict", key, delta=5)
        self.assertEqual(reply.code, ops.CODE_SEQ_CONFLICT, reply)
        other = self.cluster.authority.issue("another-caller")
        reply = call(self.port(3), other, api.Request(
            increment=ops.IncrementRequest(path="/key-conflict", delta=1, create=True)), key)
        self.assertNotEqual(reply.increment.value, 1, reply)
        self.assertEqual(self.value("/key-conflict").strip() in ("1", "2"), True)

    def test_what_a_call_cannot(self):
        reply = call(self.port(), self.cluster.client, api.Request(
            create=ops.CreateRequest(path="/no-owner", kind=ops.NODE_KIND_EPHEMERAL)))
        self.assertEqual(reply.code, ops.CODE_INVALID_ARGUMENT, reply)
        reply = call(self.port(), self.cluster.client, api.Request(id=1, watch=ops.WatchRequest(
            watch_id=1, tree=ops.TreeWatch(path="/"))))
        self.assertIn(reply.code, (ops.CODE_INVALID_ARGUMENT, ops.CODE_UNIMPLEMENTED), reply)


class Limits(SessionsTest):
    """Over a limit a request is refused or the stream is slowed; memory stays where it was."""

    def setUp(self):
        self.replica = self.cluster.replicas[0]
        self.before = self.resident()

    def resident(self):
        return self.replica.metrics()["process_resident_memory_bytes"]

    @staticmethod
    def codes(stream):
        """{number of the watch: code of its reply}"""
        return {item.reply.id - 10: item.reply.code for item in stream.items()
                if item.WhichOneof("item") == "reply" and item.reply.id > 10}

    def assert_flat(self):
        grown = self.resident() - self.before
        print(f"\n{self.id().rsplit('.', 1)[1]}: {grown / MIB:.0f} MiB more", flush=True)
        self.assertLess(grown, GROWTH_BYTES_MAX)

    def test_watches(self):
        """Watches of one session, on all its streams; of a stream without one."""
        session = self.open()
        limit = session.stream.welcome().limits.watches
        for stream in (session.stream, self.stream()):
            if stream is not session.stream:
                stream.send(hello=api.Hello())
                stream.welcome()
            # A watch is a read too while it is being set, and as many of those may wait.
            limits = stream.welcome().limits
            step = min(limits.frame_requests, limits.waiting_reads)
            numbers = range(1, limit + 501)
            for start in range(0, len(numbers), step):
                some = numbers[start:start + step]
                stream.send(requests=[
                    api.Request(id=10 + number, watch=ops.WatchRequest(
                        watch_id=number, tree=ops.TreeWatch(path=f"/w/{number}")))
                    for number in some])
                codes = stream.wait("all are answered", lambda stream=stream, some=some: (
                    self.codes(stream) if len(self.codes(stream)) >= some[-1] else None))
            for number, code in codes.items():
                self.assertEqual(
                    code, ops.CODE_OK if number <= limit else ops.CODE_TOO_MANY, number)
            stream.send(requests=[api.Request(id=5, unwatch=ops.UnwatchRequest(watch_id=1))])
            self.assertEqual(stream.reply(5).code, ops.CODE_OK)
            stream.send(requests=[api.Request(id=6, watch=ops.WatchRequest(
                watch_id=limit + 1, tree=ops.TreeWatch(path="/w/more")))])
            self.assertEqual(stream.reply(6).code, ops.CODE_OK, "there is room for one again")
        self.assert_flat()

    def test_a_watch_id_in_use(self):
        session = self.open()
        self.assertEqual(session.watch(tree=ops.TreeWatch(path="/a")).code, ops.CODE_OK)
        session._next_watch = 1  # pylint: disable=protected-access
        reply = session.watch(tree=ops.TreeWatch(path="/b"))
        self.assertEqual(reply.code, ops.CODE_INVALID_ARGUMENT, reply)

    def test_reads_that_wait(self):
        """They wait for a zxid that does not come; as many as may, and BUSY or TOO_MANY for the rest."""
        stream = self.stream()
        stream.send(hello=api.Hello())
        limits = stream.welcome().limits
        far = (stream.welcome().generation << 48) + (1 << 40)
        count = limits.waiting_reads + 100
        for start in range(1, count + 1, limits.frame_requests):
            stream.send(requests=[
                api.Request(id=number, level=api.READ_LEVEL_AT_LEAST, at_least_zxid=far,
                            wait_ms=2000, get=ops.GetRequest(path="/"))
                for number in range(start, min(start + limits.frame_requests, count + 1))])
        stream.wait("all are answered", lambda: len(stream.items()) >= count)
        codes = [item.reply.code for item in stream.items()]
        refused = [code for code in codes if code in (ops.CODE_BUSY, ops.CODE_TOO_MANY)]
        late = [code for code in codes if code in (ops.CODE_LIMIT_TIME, ops.CODE_BEHIND)]
        self.assertEqual((len(refused), len(late)), (100, limits.waiting_reads), set(codes))
        self.assert_flat()

    def replies(self, session):
        return [item.reply for item in session.stream.items()
                if item.WhichOneof("item") == "reply"]

    def flood(self, session, count, size):
        """Sends `count` writes of `size` bytes and never says that an answer arrived."""
        requests = [session.request(set=ops.SetRequest(path="/flood", data=bytes(size)))
                    for _ in range(count)]
        for request in requests:
            session.stream.send(requests=[request])
        return requests

    def assert_others_are_served(self, prefix):
        """By a leader that may have changed in between, where the sanitizers make it slow."""
        control = self.cluster.coordctl()
        for number in range(100):
            path = f"{prefix}-{number}"
            wait_until(f"{path} is created", 30, lambda path=path: (
                control.run("create", "--if-absent", path).code == harness.Coordctl.DONE))

    def log_bytes(self):
        return sum(replica.metrics()["coord_log_bytes_total"] for replica in self.cluster.replicas)

    def test_unanswered_writes(self):
        """Its client never says that an answer has arrived: writes beyond the window are not taken,
        whatever they weigh, others are served, and when the mark comes all go on in order."""
        session = self.open(timeout_ms=60000)
        session.create("/flood")
        limit = session.stream.welcome().limits.unacked_writes
        self.flood(session, limit - 1, 10)
        session.stream.wait("as many are answered as may", lambda: (
            len(self.replies(session)) == limit))
        logged = self.log_bytes()
        rest = self.flood(session, 600, MIB - 1000)
        busy = session.stream.reply(rest[0].id)
        self.assertEqual(busy.code, ops.CODE_BUSY, busy)
        self.assert_others_are_served("/meanwhile")
        logged = self.log_bytes() - logged
        self.assertEqual(len(self.replies(session)), limit + 1, "BUSY for the first, nothing more")
        self.assert_flat()
        print(f"{logged / MIB:.0f} MiB in three logs meanwhile", flush=True)
        self.assertLess(logged, 100 * MIB)
        # It was not done; sent again with the mark, under other ids, it and the next ones are.
        for number, request in enumerate(rest[:20], 1):
            request.id = 100000 + number
            session.stream.send(requests=[request], reply_mark=limit)
            self.assertEqual(session.stream.reply(request.id).set.stat.version, limit - 1 + number)

    def test_kept_bytes(self):
        """The same for the bytes of kept replies: transactions that read a lot, never marked."""
        session = self.open(timeout_ms=60000)
        session.create("/big", bytes(MIB - 1000))
        session.create("/flag")
        limit = session.stream.welcome().limits.kept_reply_bytes
        txn = ops.TxnRequest(on_success=[
            ops.TxnOp(set=ops.SetRequest(path="/flag")), ops.TxnOp(get=ops.GetRequest(path="/big"))])
        for _ in range(200):
            session.stream.send(requests=[session.request(txn=txn)])
        most = limit // (MIB - 1000) + 1
        session.stream.wait("as many are answered as may", lambda: (
            len(self.replies(session)) >= 2 + most))
        self.assert_others_are_served("/while-kept")
        self.assertEqual(len(self.replies(session)), 2 + most)
        self.assert_flat()
        # Whoever marks goes on.
        session.stream.send(reply_mark=2 + most)
        session.stream.wait("they go on", lambda: len(self.replies(session)) > 2 + most)


if __name__ == "__main__":
    harness.main()
