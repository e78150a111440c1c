#!/usr/bin/env python3
"""./dev bench behind the build, at its shortest: that it says what it is to say, never how much."""

import os
import re
import subprocess
import sys
import unittest

import harness

SCRIPT = os.path.join(harness.ROOT, "tests", "support", "bench.py")


class DevBench(unittest.TestCase):
    def run_script(self, *arguments):
        before = self.folders()
        done = subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True,
                              env={**os.environ, "COORD_BUILD": harness.BUILD}, timeout=100,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.folders(), before)
        return done.stdout

    def folders(self):
        """Those of clusters; earlier runs that were killed may have left some behind."""
        return sorted(name for name in os.listdir(os.path.dirname(harness.BUILD))
                      if name.startswith("bench-"))

    def test_speed(self):
        out = self.run_script("--seconds", "1", "--rounds", "1")
        for name in ("writes, 100 x 16", "linearizable reads, 10 x 16", "SESSION reads, 10 x 16",
                     "one write at a time, 1 x 1"):
            row = re.search(f"(?m)^{name} +([0-9]+) .* of it$", out)
            self.assertIsNotNone(row, out)
            self.assertGreater(int(row.group(1)), 0)
            self.assertRegex(out, f"(?m)^{name} +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9]+$")

    def test_memory(self):
        out = self.run_script("memory", "--divide", "100")
        for name, count in (("sessions", 50), ("watches", 10000), ("nodes", 10000)):
            row = re.search(f"(?m)^ +{count} {name} +([0-9]+) ", out)
            self.assertIsNotNone(row, out)
            self.assertGreater(int(row.group(1)), 0)


if __name__ == "__main__":
    harness.main()
