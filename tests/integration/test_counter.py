#!/usr/bin/env python3
"""Counters between processes: exact sums, also when leaders die; what is no number."""

import harness
from holder import Holder, RecipeTest

TIMES = 150


class Counters(RecipeTest):
    def test_a_missing_one_counts_0(self):
        self.assertEqual(self.first.ask("count", "/none/c"), "counted 0")
        self.assertEqual(self.first.ask("add", "/none/c", -3, 1), "counted -3")
        self.assertEqual(self.second.ask("count", "/none/c"), "counted -3")
        self.assertEqual(self.ctl.do("get", "/none/c"), b"-3")

    def test_it_is_set(self):
        for value in (7, -9223372036854775808, 9223372036854775807, 0):
            self.assertEqual(self.first.ask("reset", "/set/a/c", value), "OK")
            self.assertEqual(self.second.ask("count", "/set/a/c"), f"counted {value}")

    def test_what_is_no_number(self):
        for number, data in enumerate(("x", "", "1 ", " 1", "+1", "-", "1.5", "0x1", "1\0",
                                       "9223372036854775808", "-9223372036854775809", "1" * 400)):
            path = f"/odd-{number}"
            self.ctl.do("create", path, "-", data=data.encode())
            for request in (("count", path), ("add", path, 1, 1)):
                self.assertRegex(self.first.ask(*request), "^NOT_A_NUMBER .", (data, request))
            self.assertEqual(self.ctl.do("get", path), data.encode())
        for number, data in enumerate(("007", "-0")):
            path = f"/even-{number}"
            self.ctl.do("create", path, "-", data=data.encode())
            self.assertEqual(self.first.ask("count", path), f"counted {int(data)}")
            self.assertEqual(self.first.ask("add", path, 1, 1), f"counted {int(data) + 1}")

    def test_it_does_not_overflow(self):
        self.first.ask("reset", "/full", 9223372036854775807)
        self.assertRegex(self.first.ask("add", "/full", 1, 1), "^NOT_A_NUMBER .")
        self.assertEqual(self.first.ask("count", "/full"), "counted 9223372036854775807")
        self.assertEqual(self.first.ask("add", "/full", -1, 1), "counted 9223372036854775806")
        self.first.ask("reset", "/full", -9223372036854775808)
        self.assertRegex(self.first.ask("add", "/full", -1, 1), "^NOT_A_NUMBER .")

    def test_the_sum_is_exact_when_leaders_die(self):
        holders = [*(Holder(self) for _ in range(2)), self.first, self.second]
        deltas = (1, 10, 100, -7)
        for holder, delta in zip(holders, deltas):
            holder.say("add", "/sum/of/all", delta, TIMES)
        harness.wait_until("they have begun", 30, lambda: (
            self.third.ask("count", "/sum/of/all") != "counted 0"))
        self.kill_leader()
        for holder in holders:
            self.assertRegex(holder.answer(60), "^counted ")
        self.assertEqual(self.third.ask("count", "/sum/of/all"), f"counted {TIMES * sum(deltas)}")

    def test_without_a_session_and_with_bad_paths(self):
        plain = Holder(self, timeout_ms=0)
        self.assertEqual(plain.ask("add", "/plain", 2, 2), "counted 4")
        self.assertEqual(plain.ask("reset", "/plain", 1), "OK")
        self.assertEqual(plain.ask("count", "/plain"), "counted 1")
        for request in (("add", "odd", 1, 1), ("count", "odd"), ("reset", "odd", 1)):
            self.assertRegex(plain.ask(*request), "^INVALID_ARGUMENT ")


if __name__ == "__main__":
    harness.main()
