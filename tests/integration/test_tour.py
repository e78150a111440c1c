#!/usr/bin/env python3
"""The tour, as ./dev up plays it the first time and ./dev tour by itself: what it shows, that it
fails where something is not so, and that it leaves nothing behind."""

import glob
import os
import re
import subprocess
import sys
import tempfile
import unittest

import harness
from cluster.cluster import is_free
from test_dev_up import SCRIPT, free_block

MEASURED = re.compile(r"^   (\S.*\S)  +(\d+) ms$", re.MULTILINE)


def readable(path):
    try:
        with open(path, "rb") as file:
            return file.read().decode(errors="replace")
    except OSError:  # it ended meanwhile, or is somebody else's
        return ""


class Tour(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="coord-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.state = os.path.join(self.folder, "state")
        self.port = free_block()
        self.build = harness.BUILD
        self.addCleanup(self.run_script, "down", "--wipe")

    def environment(self):
        return {**os.environ, "COORD_BUILD": self.build, "COORD_DEV_STATE": self.state,
                "COORD_DEV_PORT": str(self.port)}

    def run_script(self, *arguments):
        return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True,
                              env=self.environment(), timeout=200, check=False)

    def running(self):
        """The programs of this test's processes: all of them know a file below its folder or the
        port of the first replica."""
        found = []
        for process in glob.glob("/proc/[0-9]*"):
            words = readable(f"{process}/cmdline")
            about = words + readable(f"{process}/environ")
            if process != f"/proc/{os.getpid()}" and (
                    self.folder in about or f":{self.port}\0" in about):
                found.append(os.path.basename(words.split("\0")[0]))
        return sorted(found)

    def assert_nothing_stays_in_the_tree(self):
        listed = subprocess.run(
            ["bash", "-c", '. "$1" && "$2" ls /', "bash", os.path.join(self.state, "env"),
             harness.Programs(self.build).coordctl], capture_output=True, text=True, check=True)
        self.assertNotIn("tour", listed.stdout)

    def assert_numbers(self, shown, sentences):
        """The table has them, each with a number."""
        table = dict(MEASURED.findall(shown[shown.index("What was measured"):]))
        for sentence in sentences:
            self.assertGreaterEqual(int(table[sentence]), 0, sentence)
        self.assertRegex(shown, r"(?m)^The tour took \d+\.\d s$")

    def test_the_first_up_plays_it(self):
        result = self.run_script("up")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        for line in ("order-2 is killed with -9", "shop: 3 of OrderService: order-1:8081 order-3",
                     "shop: 4 of OrderService: .*order-5:8085", "bert: leaves",
                     "anna: sees anna$", "job-2: SUSPECT, pauses", "job-3: is master",
                     "worker-3: page ", "report-2: refused, it runs as report-1",
                     "watcher-3: /config/rate is 200 ", "anna: sees anna dora$",
                     "watcher-1: /config/rate is 300 "):
            self.assertRegex(result.stdout, rf"(?m)^   .*{line}")
        self.assertGreater(int(re.search(r"Margin between the two: (\d+) ms", result.stdout)[1]), 0)
        self.assert_numbers(result.stdout, (
            "A killed instance is gone from the list after",
            "A member that leaves is gone for all after",
            "A member that crashes is gone for all after",
            "After a master was killed the next one starts after",
            "A master that is cut off stops after", "The next one starts after",
            "Margin between the two", "A new leader is seen after",
            *(f"With a new leader, {act} goes on after" for act in (
                "services", "group", "masters", "fair-lock", "try-lock", "configuration"))))
        self.assertEqual(self.running(), ["coordd"] * 3)
        self.assert_nothing_stays_in_the_tree()

        again = self.run_script("tour", "try-lock")  # on the same cluster, which goes on
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.assertNotIn("OrderService", again.stdout)
        self.assertEqual(self.running(), ["coordd"] * 3)
        self.assert_nothing_stays_in_the_tree()

    def test_by_itself_it_leaves_nothing_running(self):
        result = self.run_script("tour", "try-lock", "fair-lock")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(self.running(), [])
        self.assertTrue(is_free(self.port))

    def test_killed_it_takes_its_programs_with_it(self):
        """Also those that have nothing to say; the replicas are ./dev down's to stop."""
        with subprocess.Popen([sys.executable, SCRIPT, "tour", "services"], text=True,
                              stdout=subprocess.PIPE, env=self.environment()) as tour:
            while "order-2 is killed" not in tour.stdout.readline():
                self.assertIsNone(tour.poll())
            self.assertEqual(self.running().count("order_service"), 3)
            tour.kill()
        harness.wait_until("only the replicas run", 30,
                           lambda: self.running() == ["coordd"] * 3)

    def test_a_lock_that_everybody_gets_is_noticed(self):
        """A build in which single_job is a program that asks nobody."""
        self.build = os.path.join(self.folder, "build")
        examples = os.path.join(self.build, "libclient", "examples")
        os.makedirs(examples)
        os.symlink(os.path.realpath(os.path.join(harness.BUILD, "coordd")),
                   os.path.join(self.build, "coordd"))
        with open(os.path.join(examples, "single_job"), "w", encoding="ascii") as file:
            file.write('#!/bin/sh\necho "[1.0] $1: runs, fence 1"\n')
        os.chmod(file.name, 0o755)
        result = self.run_script("tour", "try-lock")
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertRegex(result.stderr, "expected from report-2: 'refused, .*It said: report-2: runs")
        self.assertEqual(self.running(), [])

    def test_an_act_that_does_not_exist(self):
        result = self.run_script("tour", "juggling")
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stderr, "no act 'juggling'; there are services, ")
        self.assertFalse(os.path.exists(self.state))


if __name__ == "__main__":
    harness.main()
