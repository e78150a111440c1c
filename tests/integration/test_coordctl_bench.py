#!/usr/bin/env python3
"""coordctl bench: what it counts is what the cluster did, and nothing stays behind. Never how fast."""

import json
import os
import pty
import re
import signal
import subprocess

import harness
from cluster.terminal import Terminal

SECONDS_MAX = 60


class Bench(harness.ClusterTest):
    def setUp(self):
        self.control = self.cluster.as_admin()

    def measure(self, *words, control=None):
        out = (control or self.control).do("bench", "--seconds", "1", "-o", "json", *words)
        return json.loads(out)

    def assert_nothing_left(self):
        """Neither nodes nor sessions of the test that ended."""
        self.assertEqual(self.control.do("ls", "/"), b"")
        self.assertEqual(self.control.do("session", "list", "-o", "plain"), b"")

    def assert_latencies(self, of):
        self.assertGreater(of["count"], 0)
        self.assertGreater(of["per_second"], 0)
        self.assertGreater(of["p50_us"], 0)
        self.assertLessEqual(of["p50_us"], of["p99_us"])
        self.assertLessEqual(of["p99_us"], of["p999_us"])
        self.assertLessEqual(of["p999_us"], of["max_us"])

    def versions_told(self, watch, path):
        """Of each node of a session, the sets that it had when it went; waits until `path` went."""
        def gone():
            events = [json.loads(line) for line in watch.lines[-3:]]
            return any(event["kind"] == "DELETED" and event["path"] == path for event in events)
        harness.wait_until(f"{path} is gone", SECONDS_MAX, gone)
        events = [json.loads(line) for line in watch.lines]
        return {event["path"]: event["stat"]["version"] for event in events
                if event["kind"] == "DELETED" and event["path"] != path}

    def test_writes_are_those_of_the_cluster(self):
        watch = self.control.start("watch", "-r", "/counted", "-o", "json")
        self.addCleanup(watch.end)
        watch.wait_lines(1)
        told = self.measure("/counted", "--sessions", "3", "--outstanding", "2", "--bytes", "10")
        versions = self.versions_told(watch, "/counted")
        self.assertEqual(len(versions), 3)
        self.assertEqual(told["errors"], {})
        self.assertEqual(told["writes_acknowledged"], sum(versions.values()))
        self.assertLess(told["writes"]["count"], told["writes_acknowledged"])
        self.assert_latencies(told["writes"])
        self.assertEqual(told["reads"]["count"], 0)
        for name, value in {"sessions": 3, "outstanding": 2, "bytes": 10, "reads_percent": 0,
                            "level": "LINEARIZABLE"}.items():
            self.assertEqual(told[name], value, name)
        self.assertGreaterEqual(told["seconds"], 1)
        self.assert_nothing_left()

    def test_reads_of_both_levels(self):
        for level in ("linearizable", "session"):
            told = self.measure("--sessions", "2", "--reads", "100", "--level", level)
            self.assert_latencies(told["reads"])
            self.assertEqual(told["level"], level.upper())
            self.assertEqual((told["writes"]["count"], told["writes_acknowledged"]), (0, 0))
            self.assertEqual(told["errors"], {})
        self.assert_nothing_left()

    def test_mixed(self):
        told = self.measure("--sessions", "2", "--reads", "75")
        self.assert_latencies(told["writes"])
        self.assert_latencies(told["reads"])
        share = told["reads"]["count"] / (told["reads"]["count"] + told["writes"]["count"])
        self.assertAlmostEqual(share, 0.75, delta=0.1)

    def test_what_failed_is_counted_by_its_code(self):
        running = self.control.start("bench", "/fails", "--seconds", "2", "-o", "json")
        self.addCleanup(running.end)
        harness.wait_until("a node is there", SECONDS_MAX,
                           lambda: self.control.run("rm", "/fails/00003").code == 0)
        self.assertEqual(running.wait(SECONDS_MAX), 0, running.err)
        errors = json.loads(running.lines[0])["errors"]
        self.assertEqual(list(errors), ["NO_NODE"])
        self.assertGreater(errors["NO_NODE"], 0)

    def test_what_the_replicas_used(self):
        told = self.measure()
        self.assertEqual([replica["node_id"] for replica in told["replicas"]], [1, 2, 3])
        self.assertEqual(sorted(replica["role"] for replica in told["replicas"]),
                         ["follower", "follower", "leader"])
        for replica, running in zip(told["replicas"], self.cluster.replicas):
            self.assertGreater(replica["cpu_us_per_operation"], 0)
            resident = running.metrics()["process_resident_memory_bytes"]
            self.assertAlmostEqual(replica["memory_bytes"], resident, delta=resident / 2)
        self.assertGreater(told["client_cpu_us_per_operation"], 0)

    def test_nobody_of_importance_is_not_told_of_the_replicas(self):
        told = self.measure(control=self.cluster.coordctl())
        self.assert_latencies(told["writes"])
        self.assertEqual([replica["code"] for replica in told["replicas"]],
                         ["PERMISSION_DENIED"] * 3)

    def test_the_table(self):
        done = self.control.run("bench", "--seconds", "1", "--reads", "50")
        self.assertEqual((done.code, done.err), (0, ""))  # without a terminal nothing moves
        for words in ("writes ", "reads ", "P99.9 ms", "leader ", "follower ", "MEMORY MiB"):
            self.assertIn(words, done.text)

    def test_progress_is_for_a_terminal(self):
        master, slave = pty.openpty()
        done = subprocess.run([self.control.program, "bench", "--seconds", "1"],
                              stdout=subprocess.PIPE, stderr=slave, timeout=SECONDS_MAX,
                              env=self.control.whole_environment(), check=True)
        os.close(slave)
        seen = os.read(master, 1 << 16).decode()
        os.close(master)
        self.assertIn("sessions", seen)
        self.assertIn("warming up", seen)
        self.assertRegex(seen, "0 of 1 s, [0-9]+ requests answered")
        self.assertTrue(seen.endswith("\r\x1b[K"), seen)
        self.assertNotIn(b"\r", done.stdout)

    def test_a_signal_ends_it_early(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            running = Terminal([self.control.program, "bench", "/early", "--seconds", "3600",
                                "-o", "json"], self.control.whole_environment())
            self.addCleanup(running.end)
            harness.wait_until("requests are answered while it measures", SECONDS_MAX,
                               lambda terminal=running: self.is_measuring(terminal))
            os.kill(running.pid, number)
            self.assertEqual(running.wait(SECONDS_MAX), 0, running.text)
            told = json.loads(running.text[running.text.index("{"):])
            self.assertLess(told["seconds"], 3600)
            self.assert_latencies(told["writes"])
            self.assert_nothing_left()

    @staticmethod
    def is_measuring(terminal):
        """Some were answered since it said so first; those before it are not measured."""
        answered = re.findall(r"[0-9]+ of 3600 s, ([0-9]+) requests answered", terminal.text)
        return answered and answered[-1] != answered[0]

    def test_a_signal_before_it_measures(self):
        running = self.control.start("bench", "/before", "--sessions", "500")
        self.addCleanup(running.end)
        harness.wait_until("it prepares", SECONDS_MAX,
                           lambda: self.control.run("stat", "/before/00000").code == 0)
        running.signal(signal.SIGINT)
        self.assertEqual(running.wait(SECONDS_MAX), 1)
        self.assertEqual(running.lines, [])
        self.assertIn("before anything was measured", running.err)
        self.assert_nothing_left()

    def test_a_path_that_is_there_stays_as_it_is(self):
        self.control.do("create", "--parents", "/there/below", "data")
        refused = self.control.run("bench", "/there", "--seconds", "1")
        self.assert_refused(refused, "/there", "NODE_EXISTS")
        self.assertEqual(self.control.do("get", "/there/below"), b"data")
        self.control.do("rm", "-r", "/there")
        self.assert_refused(self.control.run("bench", "/no/parent"), "NO_PARENT")

    def test_too_much(self):
        done = self.control.run("bench", "--sessions", "10000", "--outstanding", "1024")
        self.assertEqual(done.code, 2)
        self.assertIn("sessions x outstanding x bytes", done.err)


if __name__ == "__main__":
    harness.main()
