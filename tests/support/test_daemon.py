#!/usr/bin/env python3
"""A process is found by its pid file and never mistaken for another one; waits have a bound."""

import os
import shutil
import subprocess
import tempfile
import unittest

from cluster.daemon import Daemon
from cluster.waiting import NotInTime, wait_until


class DaemonTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.program = self.copy_of_sleep("ours")
        self.daemon = self.of(self.program)
        self.addCleanup(lambda: self.daemon.kill())

    def copy_of_sleep(self, name):
        path = os.path.join(self.folder, name)
        shutil.copy(shutil.which("sleep"), path)
        return path

    def of(self, program):
        return Daemon(program, os.path.join(self.folder, "pid"), os.path.join(self.folder, "log"))

    def test_found_again_by_its_pid_file(self):
        self.daemon.start(["60"])
        self.assertEqual(self.of(self.program).pid, self.daemon.pid)

    def test_gone_after_a_stop(self):
        self.daemon.start(["60"])
        self.assertEqual(self.daemon.stop(), -15)
        self.assertIsNone(self.daemon.pid)
        self.assertIsNone(self.of(self.program).pid)

    def test_process_of_another_program_is_left_alone(self):
        with subprocess.Popen([self.copy_of_sleep("foreign"), "60"]) as foreign:
            with open(self.daemon.pid_file, "w", encoding="ascii") as file:
                file.write(f"{foreign.pid}\n")
            self.assertIsNone(self.daemon.pid)
            self.daemon.stop()
            self.assertIsNone(foreign.poll())
            foreign.kill()

    def test_no_pid_file_and_a_broken_one(self):
        self.assertIsNone(self.daemon.pid)
        with open(self.daemon.pid_file, "w", encoding="ascii") as file:
            file.write("x\n")
        self.assertIsNone(self.daemon.pid)

    def test_program_built_anew(self):
        self.daemon.start(["60"])
        self.assertFalse(self.daemon.runs_other_build())
        os.remove(self.program)
        self.copy_of_sleep("ours")
        self.assertTrue(self.daemon.runs_other_build())
        self.assertIsNotNone(self.of(self.program).pid)

    def test_wait_has_a_bound(self):
        self.daemon.start(["60"])
        with self.assertRaises(NotInTime):
            self.daemon.wait(0.1)

    def test_wait_returns_what_came_true(self):
        results = iter([None, 0, "now"])
        self.assertEqual(wait_until("it is there", 5, lambda: next(results)), "now")


if __name__ == "__main__":
    unittest.main()
