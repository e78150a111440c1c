#!/usr/bin/env python3
"""coordctl lock and elect: a program that runs while something is held."""

import os
import signal
import sys

import harness
from cluster.control import Running

RELAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "relay.py")


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0] != "Z"


class Locks(harness.ClusterTest):
    def setUp(self):
        self.control = self.cluster.coordctl()

    def start(self, *words, control=None):
        started = (control or self.control).start(*words)
        self.addCleanup(started.end)
        return started

    def members(self, path):
        return self.control.run("ls", path).out.split()

    def wait_members(self, path, count):
        harness.wait_until(f"{count} members of {path}", 30,
                           lambda: len(self.members(path)) == count)

    def test_the_program_has_the_fence_and_its_exit_code_counts(self):
        fences = []
        for code in (0, 7):
            done = self.control.run("lock", "/l/code", "--", "sh", "-c",
                                    f"echo $COORD_FENCE $COORD_LOCK; exit {code}")
            self.assertEqual(done.code, code, done.err)
            fence, path = done.text.split()
            self.assertRegex(path, "^/l/code/lock-[0-9]{10}$")
            fences.append(int(fence))
        self.assertLess(fences[0], fences[1])
        self.assertEqual(self.members("/l/code"), [])
        killed = self.control.run("lock", "/l/code", "--", "sh", "-c", "kill -9 $$")
        self.assertEqual(killed.code, 128 + 9)

    def test_one_at_a_time_in_order(self):
        log = os.path.join(self.folder, "turns")
        script = f"echo in >>{log}; sleep 0.3; echo out >>{log}"
        running = [self.start("lock", "/l/turns", "--", "sh", "-c", script) for _ in range(4)]
        for each in running:
            self.assertEqual(each.wait(60), 0, each.err)
        with open(log, encoding="ascii") as lines:
            self.assertEqual(lines.read().split(), ["in", "out"] * 4)

    def test_giving_up(self):
        self.start("lock", "/l/busy", "--", "sleep", "60")
        self.wait_members("/l/busy", 1)
        for wait in ("0", "300ms"):
            refused = self.control.run("lock", "/l/busy", "--wait", wait, "--", "echo", "ran")
            self.assertEqual((refused.code, refused.out), (3, b""), refused)
            self.assertIn("others were before it", refused.err)
        self.wait_members("/l/busy", 1)

    def test_bad_words(self):
        for words in (("lock",), ("lock", "/l"), ("lock", "/l", "--wait", "soon", "--", "true"),
                      ("lock", "/l", "--limit", "3", "--", "true")):
            self.assertEqual(self.control.run(*words).code, 2, words)
        missing = self.control.run("lock", "/l/missing", "--", "/no/such/program")
        self.assertEqual(missing.code, 2)
        self.assertIn("/no/such/program", missing.err)
        self.assertEqual(self.members("/l/missing"), [])
        self.assertEqual(self.control.run("lock", "l", "--", "true").code, 1)

    def test_a_signal_while_it_waits_takes_the_place_back(self):
        self.start("lock", "/l/waits", "--", "sleep", "60")
        self.wait_members("/l/waits", 1)
        waiting = self.start("lock", "/l/waits", "--", "echo", "ran")
        self.wait_members("/l/waits", 2)
        waiting.signal(signal.SIGINT)
        self.assertEqual(waiting.wait(), -signal.SIGINT)
        self.assertEqual(waiting.lines, [])
        self.wait_members("/l/waits", 1)

    def test_a_signal_while_it_runs_is_passed_on(self):
        running = self.start("lock", "/l/passes", "--", "sh", "-c",
                             "trap 'echo asked; exit 3' TERM; echo ready; while :; do sleep 0.1; done")
        running.wait_lines(1)
        running.signal(signal.SIGTERM)
        self.assertEqual(running.wait(), 3)
        self.assertEqual(running.lines, ["ready", "asked"])
        self.assertEqual(self.members("/l/passes"), [])

    def test_whom_the_program_leaves_behind_goes_with_the_lock(self):
        running = self.start("lock", "/l/behind", "--", "sh", "-c",
                             "sleep 60 >/dev/null 2>&1 & echo $!")
        self.assertEqual(running.wait(), 0)
        left = int(running.lines[0])
        harness.wait_until("it ended", 20, lambda: not is_alive(left))

    def test_a_deleted_node_kills_the_program(self):
        running = self.start("lock", "/l/deleted", "--", "sh", "-c",
                             "trap '' TERM; echo ready; while :; do sleep 0.1; done")
        running.wait_lines(1)
        self.control.do("rm", "/l/deleted/" + self.members("/l/deleted")[0].decode())
        self.assertEqual(running.wait(), 4)
        self.assertIn("lost", running.err)

    def test_the_program_does_not_outlive_a_killed_coordctl(self):
        running = self.start("lock", "/l/killed", "--", "sh", "-c", "echo $$; exec sleep 60")
        program = int(running.wait_lines(1)[0])
        running.signal(signal.SIGKILL)
        harness.wait_until("it ended", 20, lambda: not is_alive(program))

    def test_cut_off_it_is_ended_before_the_next_one_starts(self):
        """Both write the clock: the last act of the first is before the start of the second."""
        port, = harness.free_ports(1)
        relay = Running([sys.executable, RELAY,
                                 f"{port}:{self.cluster.replicas[0].client_port}"], None)
        self.addCleanup(relay.end)
        relay.wait_lines(1)
        cut = harness.Coordctl(self.control.program, [f"127.0.0.1:{port}"], self.control.identity)
        act = "import time\nwhile True: print(time.monotonic(), flush=True); time.sleep(0.01)"
        stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + act
        first = self.start("lock", "/l/cut", "--", sys.executable, "-c", stubborn, control=cut)
        first.wait_lines(1)
        second = self.start("lock", "/l/cut", "--", sys.executable, "-c", act)
        self.wait_members("/l/cut", 2)
        relay.end()
        self.assertEqual(first.wait(60), 4)
        second.wait_lines(1, 60)
        margin = float(second.lines[0]) - float(first.lines[-1])
        self.assertGreater(margin, 0)
        print(f"\na holder that was cut off acted last {margin:.3f} s before the next one began")

    def test_elections(self):
        first = self.start("elect", "/office", "--", "sh", "-c", "echo $COORD_LOCK; exec sleep 60")
        self.assertRegex(first.wait_lines(1)[0], "^/office/candidate-[0-9]{10}$")
        node = "/office/" + self.members("/office")[0].decode()
        self.assertEqual(self.control.do("get", node).decode(), os.uname().nodename)
        second = self.start("elect", "/office", "--", "echo", "elected")
        self.wait_members("/office", 2)
        self.assertEqual(second.lines, [])
        first.signal(signal.SIGKILL)
        self.assertEqual(second.wait(60), 0)
        self.assertEqual(second.lines, ["elected"])


if __name__ == "__main__":
    harness.main()
