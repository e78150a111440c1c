#!/usr/bin/env python3
"""The totals of ./dev test are those of the programs it ran, also when these die."""

import os
import tempfile
import unittest

import count_cases

CMOCKA_PASSED = """[==========] Running 3 test(s).
[ RUN      ] a
[       OK ] a
[==========] 3 test(s) run.
[  PASSED  ] 3 test(s).
"""
CMOCKA_FAILED = """[==========] 3 test(s) run.
[  PASSED  ] 1 test(s).
[  FAILED  ] 2 test(s), listed below:
[  FAILED  ] a
"""
CMOCKA_SKIPPED = """[==========] 3 test(s) run.
[  PASSED  ] 2 test(s).
[  SKIPPED ] 1 test(s), listed below:
"""
UNITTEST_PASSED = "Ran 5 tests in 0.1s\n\nOK (skipped=1)\n"
UNITTEST_FAILED = "Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=2)\n"


class Counting(unittest.TestCase):
    def count(self, *cases):
        """cases: (status of ctest, output)"""
        body = "".join(
            f'<testcase name="x" status="{status}"><system-out>{output}</system-out></testcase>'
            for status, output in cases)
        with tempfile.TemporaryDirectory() as folder:
            report = os.path.join(folder, "report.xml")
            with open(report, "w", encoding="utf-8") as file:
                file.write(f"<testsuite>{body}</testsuite>")
            return count_cases.count(report)

    def test_cmocka(self):
        self.assertEqual(self.count(("run", CMOCKA_PASSED)), (3, 0, 0))
        self.assertEqual(self.count(("fail", CMOCKA_FAILED)), (1, 2, 0))
        self.assertEqual(self.count(("run", CMOCKA_SKIPPED)), (2, 0, 1))

    def test_two_groups_in_one_program(self):
        self.assertEqual(self.count(("fail", CMOCKA_PASSED + CMOCKA_FAILED)), (4, 2, 0))

    def test_unittest(self):
        self.assertEqual(self.count(("run", UNITTEST_PASSED)), (4, 0, 1))
        self.assertEqual(self.count(("fail", UNITTEST_FAILED)), (2, 3, 0))

    def test_everything_was_skipped(self):
        nothing = "Ran 0 tests in 0.1s\n\nOK (skipped=1)\n"
        self.assertEqual(self.count(("run", nothing)), (0, 0, 1))

    def test_what_was_skipped_is_named(self):
        output = ("test_a (x.X.test_a) ... ok\n"
                  "test_b (x.X.test_b)\nThe second one. ... skipped 'no Rust'\n"
                  "setUpClass (x.Y) ... skipped 'no Go'\nRan 2 tests in 0.1s\n")
        self.assertEqual(count_cases.reasons("integration/x", output), [
            "SKIPPED: integration/x: test_b: no Rust", "SKIPPED: integration/x: setUpClass: no Go"])

    def test_class_could_not_be_set_up(self):
        output = "Ran 0 tests in 0.1s\n\nFAILED (errors=1)\n"
        self.assertEqual(self.count(("fail", output)), (0, 1, 0))

    def test_program_without_cases(self):
        self.assertEqual(self.count(("run", "fine"), ("fail", "bad"), ("run", "")), (2, 1, 0))

    def test_crash_after_the_cases(self):
        self.assertEqual(self.count(("fail", CMOCKA_PASSED)), (3, 1, 0))

    def test_crash_before_the_end(self):
        self.assertEqual(self.count(("fail", "[==========] Running 3 test(s).\n")), (0, 1, 0))

    def test_program_that_was_not_built(self):
        self.assertEqual(self.count(("notrun", "")), (0, 1, 0))

    def test_disabled(self):
        self.assertEqual(self.count(("disabled", "")), (0, 1, 0))

    def test_nothing_ran(self):
        self.assertEqual(self.count(), (0, 1, 0))


if __name__ == "__main__":
    unittest.main()
