#!/usr/bin/env python3
"""Counts the test cases in a JUnit report of ctest and prints "PASSED FAILED SKIPPED"; on stderr, what was
skipped and why.

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
UNITTEST_WHY = re.compile(r"^(\w+) \(.*\)(?:\n.*)? \.\.\. skipped '(.*)'$", re.MULTILINE)
UNITTEST_SKIPPED = re.compile(r"(?:skipped|expected failures)=(\d+)")


def total(pattern, text):
    return sum(int(number) for number in pattern.findall(text))


def cases_of_program(output):
    """(ran, failed, skipped), all 0 if the output says nothing about cases. Skipped ones did not run."""
    if CMOCKA_RAN.search(output):
        skipped = total(CMOCKA_SKIPPED, output)
        return total(CMOCKA_RAN, output) - skipped, total(CMOCKA_FAILED, output), skipped
    if UNITTEST_RAN.search(output):
        verdict = "\n".join(re.findall(r"^(?:OK|FAILED) \(.*\)$", output, re.MULTILINE))
        skipped = total(UNITTEST_SKIPPED, verdict)
        # A class that is skipped as a whole counts one that never ran.
        ran = max(total(UNITTEST_RAN, output) - skipped, 0)
        return ran, total(UNITTEST_FAILED, verdict), skipped
    return 0, 0, 0


def reasons(name, output):
    """One line for each case that unittest skipped."""
    return [f"SKIPPED: {name}: {case}: {why}" for case, why in UNITTEST_WHY.findall(output)]


def count(report):
    passed = failed = skipped = 0
    for case in xml.etree.ElementTree.parse(report).getroot().iter("testcase"):
        succeeded = case.get("status") == "run"
        output = case.findtext("system-out") or ""
        ran, bad, left_out = cases_of_program(output)
        for reason in reasons(case.get("name"), output):
            print(reason, file=sys.stderr)
        if ran + left_out == 0:
            ran, bad = 1, 0 if succeeded else 1
        elif not succeeded and bad == 0:
            ran, bad = ran + 1, 1
        passed += max(ran - bad, 0)
        failed += bad
        skipped += left_out
    return (passed, failed, skipped) if passed + failed + skipped > 0 else (0, 1, 0)


if __name__ == "__main__":
    print(*count(sys.argv[1]))
