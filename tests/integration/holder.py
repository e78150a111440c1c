"""Processes of holder.c, and what the tests of recipes share."""

import os

import harness

HOLDER = os.path.join(harness.BUILD, "tests", "integration", "holder")
TIMEOUT_MS = 2000


class Holder:
    """A process of holder.c: what is said to it, and what it answers."""

    def __init__(self, test, timeout_ms=TIMEOUT_MS, name_space="/", endpoints=None):
        control = test.cluster.coordctl()
        program = harness.Coordctl(HOLDER, endpoints or control.endpoints, control.identity)
        self.process = program.start(str(timeout_ms), name_space)
        self.said = 0
        test.addCleanup(self.end, test)

    def say(self, *words):
        self.process.say(" ".join(str(word) for word in words))
        self.said += 1

    def answer(self, seconds=30):
        """To what was said last."""
        return self.process.wait_lines(self.said, seconds)[self.said - 1]

    def ask(self, *words):
        self.say(*words)
        return self.answer()

    def has_answered(self):
        return len(self.process.lines) >= self.said

    def end(self, test):
        """By the end of its input, if it can hear that: then what checks its memory speaks up."""
        if self.has_answered() and not self.process.ended():
            self.process.end_input()
            test.assertEqual(self.process.wait(60), 0, self.process.err)
        self.process.end()


class RecipeTest(harness.ClusterTest):
    def setUp(self):
        self.ctl = self.cluster.coordctl()
        self.first, self.second, self.third = Holder(self), Holder(self), Holder(self)

    def fence(self, answer):
        words = answer.split()
        self.assertEqual(words[0], "granted", answer)
        return int(words[1])

    def wait_members(self, path, count):
        """So many stand in the queue."""
        harness.wait_until(f"{count} members of {path}", 30,
                           lambda: len(self.ctl.run("ls", path).out.split()) == count)

    def assert_waits(self, holder):
        self.assertFalse(holder.has_answered(), holder.process.lines)
