#!/usr/bin/env python3
"""Each allocation of libcoord fails once, in its recipes and in Admin's calls: see allocations.c."""

import os
import re
import tempfile

import harness

FOLDER = os.path.join("tests", "integration")
# In a folder "valgrind" is a script that runs the program of the one above under it.
PROGRAM = os.path.join(harness.BUILD, FOLDER, os.environ.get("COORD_UNDER", ""), "allocations")
HEADERS = os.path.join(harness.ROOT, "libclient", "include", "coord")
FUNCTION = re.compile(r"^COORD_API\b[^;(]*?\b(coord_\w+)\s*\(", re.MULTILINE)


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


class Allocations(harness.ClusterTest):
    REPLICAS = 1

    @classmethod
    def before_start(cls):
        """In memory, where there is a place for that: thousands of writes, and none is about disks."""
        if os.path.isdir("/dev/shm"):
            folder = tempfile.TemporaryDirectory(prefix="coord-test-", dir="/dev/shm")
            cls.addClassCleanup(folder.cleanup)
            for replica in cls.cluster.replicas:
                replica.settings["data_dir"] = os.path.join(folder.name, "data")
                replica.write_settings()

    def run_program(self):
        control = self.cluster.as_admin()
        return harness.Coordctl(PROGRAM, control.endpoints, control.identity).run(
            *(["--once"] if "COORD_ONCE" in os.environ else []), seconds=600)

    def test_each_fails_once(self):
        done = self.run_program()
        print(done.text)
        self.assertEqual(done.code, 0, done)
        self.assertEqual(done.err, "")
        if "COORD_ONCE" not in os.environ:
            counts = [int(count) for count in re.findall(r": (\d+) allocations failed", done.text)]
            self.assertEqual(len(counts), len(done.text.splitlines()))
            for count in counts:
                self.assertIn(count, range(20, 2000), done.text)  # else it is not they that failed

    def test_nothing_is_left_out(self):
        text = read(harness.ROOT, FOLDER, "allocations.c")
        for header in ("recipes.h", "admin.h"):
            for function in FUNCTION.findall(read(HEADERS, header)):
                self.assertIn(f"{function}(", text, "allocations.c does not call it")


if __name__ == "__main__":
    harness.main()
