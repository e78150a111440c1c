#!/usr/bin/env python3
"""Only in a tree with the thread sanitizer: a race in our own code is still reported."""

import os
import subprocess
import sys
import tempfile
import unittest

import harness

sys.path.insert(0, os.path.join(harness.ROOT, "tests", "support"))
from cluster.certificates import Authority  # pylint: disable=wrong-import-position # noqa: E402


class PlantedRace(unittest.TestCase):
    def test_it_is_reported(self):
        with tempfile.TemporaryDirectory(prefix="coord-test-") as folder:
            identity = Authority(os.path.join(folder, "certificates")).issue("client")
            report = os.path.join(folder, "report")
            done = subprocess.run(
                [os.path.join(harness.BUILD, "tests", "integration", "planted_race"),
                 identity.authority, identity.certificate, identity.key],
                # The options of all, but its report stays out of theirs.
                env={**os.environ,
                     "TSAN_OPTIONS": f"{os.environ['TSAN_OPTIONS']}:log_path={report}"},
                capture_output=True, text=True, timeout=60, check=False)
            reports = [name for name in os.listdir(folder) if name.startswith("report.")]
            self.assertEqual(len(reports), 1, done)
            with open(os.path.join(folder, reports[0]), encoding="utf-8") as file:
                said = file.read()
        self.assertIn("data race", said)
        self.assertIn("call_and_count", said)
        self.assertEqual(done.returncode, 66, said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
