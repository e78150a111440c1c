#!/usr/bin/env python3
"""Presences and groups of the C client between processes: killed, cut off, deleted, in the way."""

import os
import signal
import sys

import harness
from cluster.control import Running
from harness import wait_until
from holder import Holder, RecipeTest

RELAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "relay.py")
LONG_MS = 60000  # a session that does not end within a test


class Relay:
    """Between a client and all replicas."""

    def __init__(self, test):
        replicas = test.cluster.replicas
        ports = harness.free_ports(len(replicas))
        pairs = [f"{port}:{replica.client_port}" for port, replica in zip(ports, replicas)]
        self.endpoints = [f"127.0.0.1:{port}" for port in ports]
        self.process = Running([sys.executable, RELAY, *pairs], None)
        test.addCleanup(self.process.end)
        self.process.wait_lines(1)

    def say(self, command):
        answered = len(self.process.lines)
        self.process.say(command)
        self.process.wait_lines(answered + 1)


class PlaceTest(RecipeTest):
    def stat(self, path, *replicas):
        """{field: text} of a node; None: it is not there."""
        result = self.cluster.coordctl(*replicas).run("stat", path)
        if result.code != self.ctl.DONE:
            return None
        return dict(line.split(" = ", 1) for line in result.text.splitlines())

    def owner(self, path):
        """The session of a node, or None."""
        stat = self.stat(path)
        return stat and stat["ephemeral_owner"]

    def wait_gone(self, path):
        wait_until(f"{path} is gone", 30, lambda: self.stat(path) is None)

    def wait_other(self, path, field, before):
        """The node is there, with another value of the field than before; that."""
        def found():
            stat = self.stat(path)
            return stat and stat[field] != before and stat[field]
        return wait_until(f"{path} with another {field} than {before}", 30, found)

    def assert_stands(self, holder):
        self.assertEqual(holder.ask("stands", 30000), "OK")

    @staticmethod
    def wait_refused(holder, why):
        wait_until(f"it does not stand: {why}", 30, lambda: holder.ask("stands", 0).startswith(why))


class Presences(PlaceTest):
    def test_it_stands_until_it_is_closed(self):
        self.assertEqual(self.first.ask("keep", "/plain/a/b", "one"), "OK")
        self.assert_stands(self.first)
        self.assertEqual(self.ctl.do("get", "/plain/a/b"), b"one")
        self.assertNotEqual(self.owner("/plain/a/b"), "0")
        self.assertEqual(self.stat("/plain/a")["kind"], "container")
        czxid = self.stat("/plain/a/b")["czxid"]
        for data in ("two", "three"):
            self.assertEqual(self.first.ask("renew", data), "OK")
            self.assert_stands(self.first)
            self.assertEqual(self.ctl.do("get", "/plain/a/b"), data.encode())
        self.assertEqual(self.stat("/plain/a/b")["czxid"], czxid)
        self.assertEqual(self.first.ask("part"), "OK")
        self.assertIsNone(self.stat("/plain/a/b"))

    def test_it_comes_back_after_it_was_deleted(self):
        self.first.ask("keep", "/deleted", "one")
        self.assert_stands(self.first)
        czxid = self.stat("/deleted")["czxid"]
        for _ in range(5):
            self.ctl.do("rm", "/deleted")
            czxid = self.wait_other("/deleted", "czxid", czxid)
        self.assert_stands(self.first)
        self.ctl.do("rm", "/deleted")
        self.assertEqual(self.first.ask("renew", "two"), "OK")
        self.wait_other("/deleted", "czxid", czxid)
        self.assert_stands(self.first)
        self.assertEqual(self.ctl.do("get", "/deleted"), b"two")
        self.assertEqual(self.first.ask("part"), "OK")
        self.assertIsNone(self.stat("/deleted"))

    def test_it_comes_back_with_a_new_session(self):
        for number, close in enumerate((False, True)):
            path = f"/stopped-{number}"
            self.first.ask("keep", path, "one")
            self.assert_stands(self.first)
            owner = self.owner(path)
            if close:
                self.assertEqual(self.first.ask("close"), "OK")
            else:
                self.first.process.signal(signal.SIGSTOP)
                self.wait_gone(path)
                self.first.process.signal(signal.SIGCONT)
            self.wait_other(path, "ephemeral_owner", owner)
            self.assert_stands(self.first)
            self.assertEqual(self.first.ask("part"), "OK")
            self.assertIsNone(self.stat(path))

    def test_it_comes_back_to_a_cluster_that_was_cut_off(self):
        relay = Relay(self)
        cut_off = Holder(self, endpoints=relay.endpoints)
        for command in ("hole", "cut"):
            cut_off.ask("keep", "/cut", command)
            self.assert_stands(cut_off)
            owner = self.owner("/cut")
            relay.say(command)
            self.wait_gone("/cut")
            self.assertNotEqual(cut_off.ask("stands", 0), "OK")
            self.assertEqual(cut_off.ask("renew", "later"), "OK")
            relay.say("pass")
            self.assert_stands(cut_off)
            self.assertNotIn(self.owner("/cut"), (owner, None))
            self.assertEqual(self.ctl.do("get", "/cut"), b"later")
            self.assertEqual(cut_off.ask("part"), "OK")
            self.assertIsNone(self.stat("/cut"))

    def test_it_waits_for_the_node_of_an_older_session(self):
        self.first.ask("keep", "/older", "first")
        self.assert_stands(self.first)
        self.second.ask("keep", "/older", "second")
        self.wait_refused(self.second, "NODE_EXISTS another node is at /older")
        self.first.process.signal(signal.SIGKILL)
        self.assert_stands(self.second)
        self.assertEqual(self.ctl.do("get", "/older"), b"second")

    def test_it_leaves_the_node_of_another_alone(self):
        self.ctl.do("create", "/other", "theirs")
        czxid = self.stat("/other")["czxid"]
        self.first.ask("keep", "/other", "mine")
        self.wait_refused(self.first, "NODE_EXISTS ")
        self.assertEqual(self.first.ask("renew", "new"), "OK")
        self.wait_refused(self.first, "NODE_EXISTS ")
        self.assertEqual(self.first.ask("part"), "OK")
        self.assertEqual(self.stat("/other")["czxid"], czxid)
        self.assertEqual(self.ctl.do("get", "/other"), b"theirs")

    def test_one_that_was_replaced_is_not_deleted(self):
        self.first.ask("keep", "/replaced", "mine")
        self.assert_stands(self.first)
        self.ctl.do("txn", data=b"then\nrm /replaced\ncreate /replaced theirs\n")
        self.wait_refused(self.first, "NODE_EXISTS ")
        self.assertEqual(self.first.ask("part"), "OK")
        self.assertEqual(self.ctl.do("get", "/replaced"), b"theirs")

    def test_new_data_do_not_go_to_a_node_that_replaced_it(self):
        """They are under way when it is replaced."""
        relay = Relay(self)
        holder = Holder(self, LONG_MS, endpoints=relay.endpoints)
        holder.ask("keep", "/overtaken", "mine")
        self.assert_stands(holder)
        relay.say("hole")
        self.ctl.do("txn", data=b"then\nrm /overtaken\ncreate /overtaken theirs\n")
        self.assertEqual(holder.ask("renew", "new"), "OK")
        self.assertRegex(holder.ask("stands", 200), "^TIMEOUT /overtaken is on its way")
        relay.say("pass")
        self.wait_refused(holder, "NODE_EXISTS ")
        self.assertEqual(self.ctl.do("get", "/overtaken"), b"theirs")
        self.ctl.do("rm", "/overtaken")
        self.assert_stands(holder)
        self.assertEqual(self.ctl.do("get", "/overtaken"), b"new")

    def test_it_outlives_leaders(self):
        self.first.ask("keep", "/leaders/a", "one")
        self.assert_stands(self.first)
        czxid = self.stat("/leaders/a")["czxid"]
        leader = self.cluster.wait_leader()
        leader.daemon.kill()
        self.second.ask("keep", "/leaders/b", "two")
        self.first.ask("renew", "three")
        self.assert_stands(self.first)
        self.assert_stands(self.second)
        self.assertEqual(self.ctl.do("get", "/leaders/a"), b"three")
        self.assertEqual(self.ctl.do("get", "/leaders/b"), b"two")
        self.assertEqual(self.stat("/leaders/a")["czxid"], czxid)
        leader.start()
        wait_until(f"coordd {leader.number} is ready again", 60, leader.is_ready)

    def signal_replicas(self, number):
        for replica in self.cluster.replicas:
            replica.daemon.signal(number)

    def stop_within_a_create(self, holder, path):
        """Whether its create is under way now, and nobody answers; else all goes on."""
        self.assert_stands(holder)
        holder.process.signal(signal.SIGSTOP)
        self.ctl.do("rm", path)
        for replica in self.cluster.replicas:
            self.assertIsNone(self.stat(path, replica))
        self.signal_replicas(signal.SIGSTOP)
        holder.process.signal(signal.SIGCONT)  # and reads that, if it was sent in time
        if holder.ask("stands", 0) == f"TIMEOUT {path} is on its way":
            return True
        self.signal_replicas(signal.SIGCONT)
        self.wait_other(path, "czxid", "0")
        return False

    def test_one_that_is_closed_when_nobody_answers_leaves_nothing(self):
        """Its node is there, or its create under way; the sessions live on."""
        self.addCleanup(self.signal_replicas, signal.SIGCONT)
        old, late = Holder(self, LONG_MS), Holder(self, LONG_MS)
        for holder, path in ((old, "/unheard/old"), (late, "/unheard/late")):
            holder.ask("keep", path, "x")
            self.assert_stands(holder)
        wait_until("a create is under way", 60,
                   lambda: self.stop_within_a_create(late, "/unheard/late"))
        for holder in (old, late):
            holder.say("part")
        answers = [holder.answer() for holder in (old, late)]
        self.signal_replicas(signal.SIGCONT)
        for answer in answers:
            self.assertRegex(answer, "^TIMEOUT no answer in time")
        self.wait_gone("/unheard/old")
        late.ask("lock", "/unheard-lock", 0)  # behind the create
        self.wait_gone("/unheard/late")

    def test_what_is_refused_is_tried_again(self):
        self.ctl.do("create", "/denied")
        admin = self.cluster.as_admin()
        admin.do("acl", "set", "/denied", "anyone:r")
        self.first.ask("keep", "/denied/a", "x")
        self.wait_refused(self.first, "PERMISSION_DENIED ")
        admin.do("acl", "set", "/denied", "inherit")
        self.assert_stands(self.first)

    def test_bad_arguments(self):
        plain = Holder(self, timeout_ms=0)
        self.assertRegex(plain.ask("keep", "/none", "x"), "^INVALID_ARGUMENT .*no session")
        inner = Holder(self, name_space="/app")
        self.assertRegex(inner.ask("keep", "none", "x"), "^INVALID_ARGUMENT .*slash")
        self.first.ask("keep", "no/slash", "x")
        self.wait_refused(self.first, "INVALID_ARGUMENT ")
        self.assertEqual(self.first.ask("part"), "OK")

    def test_within_a_namespace(self):
        self.ctl.do("create", "/app")
        inner = Holder(self, name_space="/app")
        inner.ask("keep", "/place", "x")
        self.assert_stands(inner)
        self.ctl.do("rm", "/app/place")
        self.wait_other("/app/place", "czxid", "0")
        self.assert_stands(inner)
        self.assertEqual(inner.ask("part"), "OK")
        self.assertIsNone(self.stat("/app/place"))


class Groups(PlaceTest):
    def members(self, path):
        return self.ctl.run("ls", path).text.split()

    def test_members_come_and_go(self):
        holders = {"a": self.first, "b": self.second, "c": self.third}
        for name, holder in holders.items():
            self.assertEqual(holder.ask("join", "/group/g", name, f"data-{name}"), "OK")
        for holder in holders.values():
            self.assert_stands(holder)
        self.assertEqual(self.members("/group/g"), ["a", "b", "c"])
        self.assertEqual(self.ctl.do("get", "/group/g/b"), b"data-b")
        self.assertEqual(self.first.ask("part"), "OK")
        self.assertEqual(self.members("/group/g"), ["b", "c"])
        self.second.process.signal(signal.SIGKILL)
        wait_until("the killed one is out", 30, lambda: self.members("/group/g") == ["c"])
        self.assertEqual(self.first.ask("join", "/group/g", "c", "x"), "OK")
        self.wait_refused(self.first, "NODE_EXISTS ")

    def test_names_are_one_element(self):
        for name in ("a/b", "/", "a/"):
            self.assertRegex(self.first.ask("join", "/group/g", name, "x"), "^INVALID_ARGUMENT ")


if __name__ == "__main__":
    harness.main()
