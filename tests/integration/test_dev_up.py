#!/usr/bin/env python3
"""What ./dev up and ./dev down do once everything is built, in a folder and on ports of their own."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import harness
from cluster.cluster import claim, is_free

SCRIPT = os.path.join(harness.ROOT, "tests", "support", "dev_cluster.py")
SECOND_SECONDS_MAX = 10


def free_block():
    """A port from which on all that ./dev up takes are free, and ours."""
    while True:
        first = harness.free_ports(1)[0]
        others = [first + 10 * replica + port for replica in range(3) for port in range(3)][1:]
        if all(claim(port) and is_free(port) for port in others):
            return first


class DevUp(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="coord test ")  # a space on purpose
        self.addCleanup(folder.cleanup)
        self.state = os.path.join(folder.name, "state")
        self.port = free_block()
        self.addCleanup(self.run_script, "down", "--wipe")

    def run_script(self, *arguments):
        environment = {**os.environ, "COORD_BUILD": harness.BUILD, "COORD_DEV_STATE": self.state,
                       "COORD_DEV_PORT": str(self.port)}
        return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True,
                              env=environment, timeout=120, check=False)

    def up(self, *options):
        result = self.run_script("up", *options)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout

    def test_up_twice_and_down(self):
        shown = self.up("--no-tour")
        for pattern in (r"all three vote after \d+ ms", r"coordd 3: get (\S+) -> 'written at",
                        r"killed coordd \d \(pid \d+\), which led",
                        r"first write through the others after \d+ ms",
                        r"it reads the last of them \d+ ms after its start"):
            self.assertRegex(shown, pattern)
        exports = re.findall(r"^export \w+=.*$", shown, re.MULTILINE)
        with open(os.path.join(self.state, "env"), encoding="utf-8") as file:
            self.assertEqual(file.read().splitlines(), exports)
        status = subprocess.run(
            ["bash", "-c", '. "$1" && "$2" status', "bash", os.path.join(self.state, "env"),
             harness.Programs(harness.BUILD).coordctl],
            capture_output=True, text=True, check=False)
        self.assertEqual(status.returncode, 0, status.stderr)
        voters = [sorted(each.split(",")) for each in re.findall(r" (\d,\d,\d) ", status.stdout)]
        self.assertEqual(voters, [["1", "2", "3"]] * 3, status.stdout)

        started = time.monotonic()
        again = self.up()
        self.assertLess(time.monotonic() - started, SECOND_SECONDS_MAX)
        self.assertEqual(again.count(": runs already"), 3)
        self.assertNotIn("killed", again)

        self.assertEqual(self.run_script("down").returncode, 0)
        self.assertTrue(is_free(self.port))
        restarted = self.up()
        self.assertIn("holds a cluster already", restarted)
        self.assertNotIn("The tour", restarted)  # that is for the first time alone
        self.run_script("down", "--wipe")
        self.assertFalse(os.path.exists(self.state))

    def test_ports_taken(self):
        with socket.create_server(("127.0.0.1", self.port + 11)):
            result = self.run_script("up")
        self.assertEqual(result.returncode, 1, result)
        self.assertIn(f"port {self.port + 11};", result.stderr)
        self.assertNotIn("pid", result.stdout)


if __name__ == "__main__":
    harness.main()
