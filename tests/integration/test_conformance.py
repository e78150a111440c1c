#!/usr/bin/env python3
"""The scripts that clients of all languages have to pass, with the C client's driver."""

import os
import sys
import unittest

import harness
from holder import HOLDER, TIMEOUT_MS

FOLDER = os.path.join(harness.ROOT, "bindings", "conformance")
SCRIPTS = os.path.join(FOLDER, "scripts")

sys.path.insert(0, FOLDER)
import runner  # noqa: E402  pylint: disable=wrong-import-position


class Conformance(harness.ClusterTest):
    def setUp(self):
        self.ctl = self.cluster.coordctl()

    def start(self, _index):
        program = harness.Coordctl(HOLDER, self.ctl.endpoints, self.ctl.identity)
        return program.start(str(TIMEOUT_MS))

    def coordctl(self, *arguments):
        result = self.ctl.run(*arguments)
        return result.text if result.code == self.ctl.DONE else None

    def play(self, text):
        script = runner.Script(text, self.start, self.coordctl, self.kill_leader,
                               harness.wait_until)
        self.addCleanup(script.end)
        return script.play()

    def test_a_script_that_says_something_else_fails(self):
        for text, word in (("A try /c-other 0 -> NODE_EXISTS ...", "granted"),
                           ("A> pass /c-none forever\nA -> OK\nA waits", "it has answered"),
                           ("A try /c-x 0 -> granted $a ...\nA release -> OK\n"
                            "B try /c-x 0 -> granted $b ...\ncheck $a > $b", "check"),
                           ("nonsense", "no step")):
            with self.assertRaisesRegex(runner.Failed, word):
                self.play(text)


def add(name):
    def test(self):
        with open(os.path.join(SCRIPTS, f"{name}.script"), encoding="utf-8") as file:
            self.assertGreater(self.play(file.read()), 3)

    setattr(Conformance, f"test_{name}", test)


for entry in sorted(os.listdir(SCRIPTS)):
    add(entry.removesuffix(".script"))

if __name__ == "__main__":
    unittest.main(verbosity=2)
