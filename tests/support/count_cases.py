#!/usr/bin/env python3
"""Counts the test cases in a JUnit report of ctest and prints "PASSED FAILED".

One ctest test is one program; cmocka and unittest programs say how many cases they ran, any other
is one case. A program that fails without naming a failed case (a crash, a timeout, a leak) counts
as one failed case more. A report without tests is one failed case.
"""

import re
import sys
import xml.etree.ElementTree

CMOCKA_RAN = re.compile(r"^\[==========\]\D* (\d+) test\(s\) run\.", re.MULTILINE)
CMOCKA_FAILED = re.compile(r"^\[  FAILED  \]\D* (\d+) test\(s\), listed below", re.MULTILINE)
CMOCKA_SKIPPED = re.compile(r"^\[  SKIPPED \]\D* (\d+) test\(s\), listed below", re.MULTILINE)
UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
UNITTEST_FAILED = re.compile(r"(?:failures|errors|unexpected successes)=(\d+)")
UNITTEST_SKIPPED = re.compile(r"(?:skipped|expected failures)=(\d+)")


def total(pattern, text):
    return sum(int(number) for number in pattern.findall(text))


def cases_of_program(output):
    """(ran, failed), or (0, 0) if the output says nothing about cases. Skipped cases did not run."""
    if CMOCKA_RAN.search(output):
        return (total(CMOCKA_RAN, output) - total(CMOCKA_SKIPPED, output),
                total(CMOCKA_FAILED, output))
    if UNITTEST_RAN.search(output):
        verdict = "\n".join(re.findall(r"^(?:OK|FAILED) \(.*\)$", output, re.MULTILINE))
        return (total(UNITTEST_RAN, output) - total(UNITTEST_SKIPPED, verdict),
                total(UNITTEST_FAILED, verdict))
    return 0, 0


def count(report):
    passed = failed = 0
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        succeeded = case.get("status") == "run"
        ran, bad = cases_of_program(case.findtext("system-out") or "")
        if ran == 0:
            ran, bad = 1, 0 if succeeded else 1
        elif not succeeded and bad == 0:
            ran, bad = ran + 1, 1
        passed += ran - bad
        failed += bad
    return (passed, failed) if passed + failed > 0 else (0, 1)


if __name__ == "__main__":
    print(*count(sys.argv[1]))
