#!/usr/bin/env python3
"""coordctl's sessions: ephemeral nodes that it holds, and what administrators see of them."""

import json
import signal

import harness


class Sessions(harness.ClusterTest):
    def setUp(self):
        self.control = self.cluster.coordctl()
        self.admin = self.cluster.as_admin()

    def hold(self, *arguments):
        """(the call, path of the node), once it is there."""
        running = self.control.start("create", "--ephemeral", *arguments)
        self.addCleanup(running.end)
        return running, running.wait_lines(1)[0]

    def sessions(self):
        return [json.loads(line) for line in
                self.admin.do("session", "list", "-o", "json").decode().splitlines()]

    def owner(self, path):
        return json.loads(self.control.do("stat", "-o", "json", path))["ephemeral_owner"]

    def gone(self, path):
        return self.control.run("stat", path).code == self.control.REFUSED

    def test_end_of_input_closes_the_session(self):
        call, path = self.hold("/input", "data")
        self.assertEqual(path, "/input")
        self.assertEqual(self.control.do("get", "/input"), b"data")
        session = self.owner("/input")
        self.assertIn(session, [each["session_id"] for each in self.sessions()])
        call.end_input()
        self.assertEqual(call.wait(), 0)
        self.assertIn(f"{session:#x}", call.err)
        self.assertTrue(self.gone("/input"))
        self.assertNotIn(session, [each["session_id"] for each in self.sessions()])

    def test_signals_close_the_session(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                call, path = self.hold("--sequential", "/signal-")
                self.assertRegex(path, r"^/signal-\d{10}$")
                call.signal(number)
                self.assertEqual(call.wait(), 0)
                self.assertTrue(self.gone(path))

    def test_data_from_input_leaves_the_signal(self):
        call = self.control.start("create", "--ephemeral", "/piped", "-")
        self.addCleanup(call.end)
        call.end_input()
        call.wait_lines(1)
        harness.wait_until("the node is there", 10, lambda: not self.gone("/piped"))
        self.assertFalse(call.ended())
        call.signal(signal.SIGINT)
        self.assertEqual(call.wait(), 0)
        self.assertTrue(self.gone("/piped"))

    def test_a_killed_call_leaves_the_node_until_its_session_expires(self):
        call, path = self.hold("/killed")
        call.signal(signal.SIGKILL)
        call.wait()
        self.assertFalse(self.gone(path))
        harness.wait_until("the session expires", 60, lambda: self.gone(path))

    def test_refusals(self):
        self.control.do("create", "/taken")
        self.assert_refused(self.control.run("create", "--ephemeral", "/taken"), "exists")
        call, path = self.hold("/leaf")
        self.assert_refused(self.control.run("create", f"{path}/child"), "ephemeral")
        call.end_input()
        self.assertEqual(call.wait(), 0)

    def test_list_and_show(self):
        call, _ = self.hold("/shown")
        session = self.owner("/shown")
        info = next(each for each in self.sessions() if each["session_id"] == session)
        self.assertEqual((info["identity"], info["ephemerals"], info["last_seq"]),
                         ("cn:client", 1, 1))
        self.assertIn(info["replica_id"], (1, 2, 3))
        table = self.admin.do("session", "list").decode()
        self.assertRegex(table, rf"(?m)^{session:#x} .*cn:client$")
        plain = self.admin.do("session", "list", "-o", "plain").decode()
        self.assertRegex(plain, rf"(?m)^session_id={session:#x} .* identity=cn:client$")
        text = self.admin.do("session", "show", f"{session:#x}").decode()
        self.assertIn("ephemerals = 1\nephemeral = /shown\n", text)
        shown = json.loads(self.admin.do("session", "show", str(session), "-o", "json"))
        self.assertEqual((shown["session_id"], shown["paths"]), (session, ["/shown"]))
        call.end_input()
        self.assertEqual(call.wait(), 0)
        self.assert_refused(self.admin.run("session", "show", str(session)), "no such session")

    def test_only_for_administrators(self):
        self.assert_refused(self.control.run("session", "list"), "permission_denied")
        self.assert_refused(self.control.run("session", "show", "1"), "permission_denied")

    def test_it_outlives_the_replica_that_serves_it(self):
        call, path = self.hold("/outlives")
        session = self.owner(path)
        number = next(each["replica_id"] for each in self.sessions()
                      if each["session_id"] == session)
        serving = self.cluster.replicas[number - 1]
        serving.daemon.kill()

        def served_elsewhere():
            result = self.admin.run("session", "show", str(session), "-o", "json")
            return result.code == 0 and json.loads(result.out)["replica_id"] not in (0, number)

        harness.wait_until("another replica serves it", 30, served_elsewhere)
        self.assertFalse(self.gone(path))
        serving.start()
        self.cluster.wait_all_vote()
        call.end_input()
        self.assertEqual(call.wait(), 0)
        self.assertTrue(self.gone(path))


class Lost(harness.ClusterTest):
    REPLICAS = 1

    def test_a_lost_session_is_said(self):
        call = self.cluster.coordctl().start("create", "--ephemeral", "/lost")
        self.addCleanup(call.end)
        call.wait_lines(1)
        self.cluster.replicas[0].daemon.kill()
        self.assertEqual(call.wait(60), 1)
        self.assertRegex(call.err, "session 0x[0-9a-f]+ is lost")


if __name__ == "__main__":
    harness.main()
