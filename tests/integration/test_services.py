#!/usr/bin/env python3
"""Services: instances register, come back and go; who follows them sees the list and chooses."""

import collections
import json
import signal

import harness
from following import SECONDS, Follower

TIMEOUT_MS = 2000
HEXADECIMAL = "[0-9a-f]{16}"


class Services(harness.ClusterTest):
    def setUp(self):
        self.ctl = self.cluster.coordctl()
        self.consumer = Follower(self)  # it needs no session

    def provide(self, name, identity, port, *metadata):
        provider = Follower(self, timeout_ms=TIMEOUT_MS)
        self.assertEqual(
            provider.ask("register", name, identity, "10.0.0.7", port, *metadata), "OK")
        self.assertEqual(provider.ask("registered", 30000), "OK")
        return provider

    def discover(self, name):
        self.assertEqual(self.consumer.ask("discover", name), "OK")
        self.assertRegex(self.consumer.ask("changed", 30000), "^zxid [1-9]")

    def ids(self):
        return [word.split("@")[0] for word in self.consumer.ask("list").split()[2:]]

    def wait_ids(self, *expected):
        harness.wait_until(f"the list is {expected}", SECONDS, lambda: self.ids() == [*expected])

    def test_four_register_and_one_is_killed(self):
        self.discover("orders")
        self.assertEqual(self.consumer.ask("list"), "malformed 0")
        self.assertRegex(self.consumer.ask("choose", "round", 1), "^NO_NODE orders has no instance")
        providers = [self.provide("orders", f"o{number}", 8000 + number) for number in range(4)]
        self.wait_ids("o0", "o1", "o2", "o3")
        self.assertEqual(self.consumer.ask("notify"), "OK")
        self.consumer.ask("called", 10000)
        providers[1].process.signal(signal.SIGKILL)
        self.assertNotEqual(self.consumer.ask("called", 30000), "0")
        self.wait_ids("o0", "o2", "o3")
        self.assertEqual(providers[2].ask("withdraw"), "OK")
        self.wait_ids("o0", "o3")
        providers[3].process.end_input()  # it ends, and its client closes
        self.assertEqual(providers[3].process.wait(), 0)
        self.wait_ids("o0")

    def test_what_is_told_of_an_instance(self):
        pairs = [f"key-{number}=value-{number}" for number in range(64)]
        self.provide("told", "a1", 65535, *pairs)
        self.discover("told")
        self.wait_ids("a1")
        self.assertEqual(self.consumer.ask("list"),
                         "malformed 0 " + ",".join(["a1@10.0.0.7:65535", *pairs]))
        data = json.loads(self.ctl.do("get", "/services/told/a1"))
        self.assertEqual(data, {
            "name": "told", "id": "a1", "address": "10.0.0.7", "port": 65535,
            "metadata": dict(pair.split("=") for pair in pairs)})
        self.provide("unnamed", "-", 1)
        self.discover("unnamed")
        harness.wait_until("it has an id of its own", SECONDS, lambda: len(self.ids()) == 1)
        self.assertRegex(self.ids()[0], f"^{HEXADECIMAL}$")
        data = json.loads(self.ctl.do("get", f"/services/unnamed/{self.ids()[0]}"))
        self.assertNotIn("metadata", data)

    def test_what_is_refused(self):
        provider = Follower(self, timeout_ms=TIMEOUT_MS)
        for words in (("a/b", "x", "h", 1), ("n", "x/y", "h", 1), ("n", "x", "h", 0),
                      ("n", "x", "h", 1, "k=1", "k=2")):
            self.assertRegex(provider.ask("register", *words), "^INVALID_ARGUMENT", words)
        pairs = [f"k{number}=v" for number in range(65)]
        self.assertRegex(provider.ask("register", "n", "x", "h", 1, *pairs), "^TOO_MANY metadata")
        self.assertRegex(self.consumer.ask("register", "n", "x", "h", 1), "^INVALID_ARGUMENT")
        for name in ("a/b", "/"):
            self.assertRegex(self.consumer.ask("discover", name), "^INVALID_ARGUMENT name")

    def test_malformed_nodes_are_left_out_and_counted(self):
        self.provide("mixed", "good", 80)
        for number, data in enumerate((b"", b"{}", b"[1]", b"\xff\xfe", b'{"name":"mixed"')):
            self.ctl.do("create", f"/services/mixed/bad-{number}", "-", data=data)
        self.ctl.do("create", "/services/mixed/hand", json.dumps(
            {"port": 81.0, "address": "h", "id": "hand", "name": "mixed", "weight": 10 ** 30}))
        self.discover("mixed")
        self.wait_ids("good", "hand")
        self.assertRegex(self.consumer.ask("list"), "^malformed 5 ")
        self.ctl.do("set", "/services/mixed/hand", "{}")
        self.wait_ids("good")
        self.assertRegex(self.consumer.ask("list"), "^malformed 6 ")

    def test_choices(self):
        for identity in "abcde":
            self.ctl.do("create", "--parents", f"/services/many/{identity}", json.dumps(
                {"name": "many", "id": identity, "address": "h", "port": 1}))
        self.discover("many")
        self.wait_ids(*"abcde")
        turns = self.consumer.ask("choose", "round", 500).split()
        self.assertEqual(collections.Counter(turns), {identity: 100 for identity in "abcde"})
        for before, after in zip(turns, turns[1:]):
            self.assertEqual("abcde".index(after), ("abcde".index(before) + 1) % 5)
        self.assertEqual(set(self.consumer.ask("choose", "random", 500).split()), set("abcde"))
        last = turns[-1]
        self.ctl.do("rm", f"/services/many/{last}")
        left = [identity for identity in "abcde" if identity != last]
        self.wait_ids(*left)
        follows = min((identity for identity in left if identity > last), default=left[0])
        self.assertEqual(self.consumer.ask("choose", "round", 1), follows)

    def test_a_registration_comes_back(self):
        provider = self.provide("back", "b1", 9000, "zone=b")
        self.discover("back")
        self.wait_ids("b1")
        provider.process.signal(signal.SIGSTOP)
        self.wait_ids()  # its session has expired
        provider.process.signal(signal.SIGCONT)
        self.wait_ids("b1")
        self.ctl.do("rm", "/services/back/b1")
        self.wait_ids("b1")
        self.assertEqual(provider.ask("registered", 30000), "OK")
        self.assertEqual(self.consumer.ask("list"), "malformed 0 b1@10.0.0.7:9000,zone=b")

    def test_through_a_killed_leader(self):
        self.provide("outlives", "x1", 1)
        self.discover("outlives")
        self.wait_ids("x1")
        leader = self.cluster.wait_leader()
        leader.daemon.kill()
        self.provide("outlives", "x2", 2)
        self.wait_ids("x1", "x2")
        leader.start()
        harness.wait_until("it is ready again", 60, leader.is_ready)


if __name__ == "__main__":
    harness.main()
