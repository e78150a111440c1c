#!/usr/bin/env python3
"""coordctl member and service: being in a group or a registry, and who is."""

import json
import signal

import harness


class Services(harness.ClusterTest):
    def setUp(self):
        self.control = self.cluster.coordctl()

    def start(self, *words):
        started = self.control.start(*words)
        self.addCleanup(started.end)
        return started

    def listed(self, *words):
        return self.control.do(*words).decode().splitlines()

    def wait_listed(self, lines, *words):
        harness.wait_until(f"{words} lists {lines}", 30, lambda: self.listed(*words) == lines)

    # ---- Groups ----

    def test_members_join_leave_and_die(self):
        watch = self.start("member", "watch", "/g/team")
        first = self.start("member", "join", "/g/team", "a", "--data", "one")
        self.assertEqual(first.wait_lines(1), ["up /g/team/a"])
        second = self.start("member", "join", "/g/team", "b", "--data", "two", "-o", "json")
        self.assertEqual(json.loads(second.wait_lines(1)[0]), {"path": "/g/team/b", "up": True})
        self.assertEqual(self.listed("member", "list", "/g/team"), ['a "one"', 'b "two"'])
        members = [json.loads(line) for line in self.listed("member", "list", "/g/team", "-o", "json")]
        self.assertEqual([(each["member"], each["data"]) for each in members],
                         [("a", "one"), ("b", "two")])
        self.assertNotEqual(members[0]["session"], members[1]["session"])
        first.signal(signal.SIGTERM)
        self.assertEqual(first.wait(), 0, first.err)
        self.assertEqual(self.listed("member", "list", "/g/team"), ['b "two"'])  # at once
        second.signal(signal.SIGKILL)
        self.assertEqual(watch.wait_lines(4, 60), ['joined a "one"', 'joined b "two"',
                                                   'left a "one"', 'left b "two"'])
        self.assertEqual(self.listed("member", "list", "/g/nobody"), [])

    def test_a_member_comes_back_when_it_was_deleted(self):
        watch = self.start("member", "watch", "/g/back", "-o", "json")
        member = self.start("member", "join", "/g/back", "a")
        member.wait_lines(1)
        self.wait_listed([f'a "{self.host()}"'], "member", "list", "/g/back")
        self.assertEqual(json.loads(watch.wait_lines(1)[0])["change"], "joined")
        self.assertEqual(len(self.listed("member", "watch", "/g/back", "--count", "1")), 1)
        before = self.created("/g/back/a")
        self.control.do("rm", "/g/back/a")
        harness.wait_until("it is there anew", 30, lambda: self.created("/g/back/a") > before)
        member.end_input()  # which is no reason to leave
        self.assertEqual(len(self.listed("member", "list", "/g/back")), 1)
        member.signal(signal.SIGTERM)
        self.assertEqual(member.wait(), 0, member.err)
        self.assertEqual(self.listed("member", "list", "/g/back"), [])
        harness.wait_until("the watch says so", 30, lambda: (
            json.loads(watch.lines[-1])["change"] == "left"))

    def created(self, path):
        """The zxid, or 0 if there is none."""
        done = self.control.run("stat", path, "-o", "json")
        return json.loads(done.out)["czxid"] if done.code == 0 else 0

    def host(self):
        self.control.do("create", "--if-absent", "/hosts")
        return self.control.do("lock", "/hosts/l", "--", "uname", "-n").decode().strip()

    def test_a_program_that_runs_while_it_is_in(self):
        done = self.control.run("member", "join", "/g/run", "a", "--", "sh", "-c", "echo ran; exit 7")
        self.assertEqual((done.code, done.out), (7, b"ran\n"), done.err)
        self.assertEqual(self.listed("member", "list", "/g/run"), [])
        running = self.start("member", "join", "/g/run", "b", "--", "sh", "-c",
                             "trap 'echo asked; exit 3' TERM; echo on; while :; do sleep 0.1; done")
        running.wait_lines(1)
        self.assertEqual(len(self.listed("member", "list", "/g/run")), 1)
        running.signal(signal.SIGTERM)
        self.assertEqual(running.wait(), 3, running.err)
        self.assertEqual(running.lines, ["on", "asked"])
        self.assertEqual(self.listed("member", "list", "/g/run"), [])

    def test_a_name_that_is_taken(self):
        first = self.start("member", "join", "/g/taken", "a")
        first.wait_lines(1)
        refused = self.control.run("member", "join", "/g/taken", "a", "--wait", "300ms")
        self.assertEqual(refused.code, 1, refused)
        self.assertIn("NODE_EXISTS", refused.err)
        waiting = self.start("member", "join", "/g/taken", "a")
        harness.wait_until("it says why it waits", 30, lambda: "trying on" in waiting.err)
        first.signal(signal.SIGKILL)
        self.assertEqual(waiting.wait_lines(1, 60), ["up /g/taken/a"])

    # ---- Services ----

    def test_instances(self):
        watch = self.start("service", "watch", "orders")
        first = self.start("service", "register", "orders", "10.0.0.7:8080", "--id", "a1",
                           "--meta", "zone=b", "--meta", "note=x=y z")
        self.assertEqual(first.wait_lines(1), ["up /services/orders/a1"])
        second = self.start("service", "register", "orders", "[fd00::1]:9", "--id", "b2")
        second.wait_lines(1)
        self.assertEqual(self.listed("service", "list", "orders"),
                         ['a1 10.0.0.7:8080 "zone"="b" "note"="x=y z"', "b2 [fd00::1]:9"])
        self.assertEqual(json.loads(self.listed("service", "list", "orders", "-o", "json")[0]),
                         {"name": "orders", "id": "a1", "address": "10.0.0.7", "port": 8080,
                          "metadata": {"zone": "b", "note": "x=y z"}})
        self.assertIn("orders", self.listed("service", "list"))
        self.assertEqual(json.loads(self.control.do("get", "/services/orders/b2")),
                         {"name": "orders", "id": "b2", "address": "fd00::1", "port": 9})
        first.signal(signal.SIGINT)
        self.assertEqual(first.wait(), 0, first.err)
        second.signal(signal.SIGKILL)
        lines = watch.wait_lines(4, 60)
        self.assertEqual(lines[2:], ['left a1 10.0.0.7:8080 "zone"="b" "note"="x=y z"',
                                     "left b2 [fd00::1]:9"])

    def test_an_id_of_its_own(self):
        instance = self.start("service", "register", "own", "db.example:5432")
        self.assertRegex(instance.wait_lines(1)[0], "^up /services/own/[0-9a-f]{16}$")

    def test_what_is_no_instance_is_said(self):
        self.control.do("create", "--parents", "/services/odd/x", "{}")
        listed = self.control.run("service", "list", "odd")
        self.assertEqual((listed.code, listed.out), (0, b""))
        self.assertIn("1 more are no instances", listed.err)

    def test_bad_calls(self):
        for words, what in ((("register", "s", "nowhere"), "host:port"),
                            (("register", "s", "h:0"), "host:port"),
                            (("register", "s", "::1:80"), "host:port"),
                            (("register", "s", "h:80", "--meta", "zone"), "KEY=VALUE"),
                            (("register", "s/t", "h:80"), "name"),
                            (("register", "s", "h:80", "--id", ""), "id"),
                            (("list", "a", "b"), "operands")):
            refused = self.control.run("service", *words)
            self.assertIn(refused.code, (1, 2), refused)
            self.assertIn(what, refused.err)


if __name__ == "__main__":
    harness.main()
