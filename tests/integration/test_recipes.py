#!/usr/bin/env python3
"""What bindings/conformance does not ask of recipes: nodes left behind, namespaces, many takers."""

import signal

import harness
from holder import Holder, RecipeTest


class Recipes(RecipeTest):
    def test_who_gives_up_leaves_no_node(self):
        self.fence(self.first.ask("lock", "/patience", 0))
        self.assertRegex(self.second.ask("lock", "/patience", 0), "^TIMEOUT others were before")
        self.assertRegex(self.second.ask("lock", "/patience", 300), "^TIMEOUT others were before")
        self.wait_members("/patience", 1)
        self.assertEqual(self.first.ask("release"), "OK")
        self.fence(self.second.ask("lock", "/patience", 0))

    def test_a_node_that_is_made_too_late_is_deleted(self):
        """Its create is on its way when the caller gives up; the session does it all the same."""
        patient = Holder(self, timeout_ms=60000)
        self.fence(patient.ask("lock", "/late/one", 0))
        for replica in self.cluster.replicas:
            replica.daemon.signal(signal.SIGSTOP)
        answer = patient.ask("lock", "/late/two", 0)
        for replica in self.cluster.replicas:
            replica.daemon.signal(signal.SIGCONT)
        self.assertRegex(answer, "^TIMEOUT no replica has answered")
        self.assertEqual(patient.ask("release"), "OK")  # behind the late one
        self.assertEqual(self.ctl.do("ls", "/late/two"), b"")  # it was there, so this exists

    def test_a_lost_lock_is_not_taken_from_the_next_holder(self):
        self.fence(self.first.ask("try", "/next", 0))
        self.ctl.do("rm", "/next")
        second = self.fence(self.second.ask("try", "/next", 0))
        self.assertEqual(self.first.ask("wait", "SAFE", 30000), "LOST")
        self.assertEqual(self.first.ask("release"), "OK")
        self.assertEqual(self.second.ask("state"), "SAFE")
        self.assertRegex(self.third.ask("try", "/next", 0), "^NODE_EXISTS")
        self.assertGreater(second, 0)

    def test_within_a_namespace(self):
        self.ctl.do("create", "/app")
        inner = Holder(self, name_space="/app")
        self.assertRegex(inner.ask("lock", "/fair", 0), r"^granted \d+ /fair/lock-0000000000$")
        self.assertRegex(self.first.ask("lock", "/app/fair", 0), "^TIMEOUT others")
        self.assertEqual(inner.ask("release"), "OK")
        self.fence(self.first.ask("lock", "/app/fair", 0))
        self.assertEqual(inner.ask("observe", "/office"), "OK")
        self.fence(self.second.ask("campaign", "/app/office", 0))
        self.assertRegex(inner.ask("next", 10000), f" {self.second.process.pid}$")
        self.assertEqual(self.second.ask("release"), "OK")
        self.assertEqual(inner.ask("next", 10000), "nobody")

    def test_each_item_goes_to_one_taker_also_when_the_leader_dies(self):
        items = [f"i{number}" for number in range(60)]
        takers = [self.second, self.third]
        answers = []
        for taker in takers:
            taker.say("take", "/jobs/many", "forever")
        for number, item in enumerate(items):
            self.assertEqual(self.first.ask("put", "/jobs/many", 1, item), "OK")
            if number == len(items) // 2:
                self.kill_leader()
            for taker in takers:
                if taker.has_answered():
                    answers.append(taker.answer())
                    taker.say("take", "/jobs/many", "forever")
        while len(answers) < len(items):
            harness.wait_until("another item", 30, lambda: any(t.has_answered() for t in takers))
            for taker in takers:
                if taker.has_answered():
                    answers.append(taker.answer())
                    taker.say("take", "/jobs/many", "forever")
        self.assertEqual(sorted(answers), sorted(f"taken {item}" for item in items))

    def test_arguments_that_are_refused(self):
        for permits in (0, 10001):
            self.assertRegex(self.first.ask("semaphore", "/permits", 0, permits),
                             "^INVALID_ARGUMENT permits")
        self.assertRegex(self.first.ask("all", 0, "/m/1", "/m/1"), "^INVALID_ARGUMENT .*twice")
        self.assertRegex(self.first.ask("lock", "m", 0), "^INVALID_ARGUMENT .*must be absolute")


if __name__ == "__main__":
    harness.main()
