#!/usr/bin/env python3
"""Recipes of the C client between processes: locks, the semaphore, offices; killed and cut off."""

import signal

import harness
from holder import Holder, RecipeTest


class Recipes(RecipeTest):
    # ---- Locks ----

    def test_the_simple_lock(self):
        first = self.fence(self.first.ask("try", "/simple", 0))
        self.assertRegex(self.second.ask("try", "/simple", 0), "^NODE_EXISTS .")
        self.assertEqual(self.first.ask("state"), "SAFE")
        self.assertEqual(self.first.ask("release"), "OK")
        self.assertGreater(self.fence(self.second.ask("try", "/simple", 0)), first)
        self.assertEqual(self.second.ask("release"), "OK")
        self.assertRegex(self.second.ask("try", "/no/parent", 0), "^NO_PARENT .")

    def test_the_fair_lock_goes_round_in_order(self):
        fences = [self.fence(self.first.ask("lock", "/fair", 0))]
        self.second.say("lock", "/fair", "forever")
        self.wait_members("/fair", 2)
        self.third.say("lock", "/fair", "forever")
        self.wait_members("/fair", 3)
        self.assert_waits(self.second)
        self.assertEqual(self.first.ask("release"), "OK")
        fences.append(self.fence(self.second.answer()))
        self.assert_waits(self.third)
        self.assertEqual(self.second.ask("release"), "OK")
        fences.append(self.fence(self.third.answer()))
        self.assertEqual(fences, sorted(set(fences)))
        self.assertEqual(self.third.ask("release"), "OK")
        self.wait_members("/fair", 0)

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

    def test_readers_share_and_writers_do_not_starve(self):
        self.fence(self.first.ask("read", "/rw", 0))
        self.fence(self.second.ask("read", "/rw", 0))
        self.third.say("write", "/rw", "forever")
        self.wait_members("/rw", 3)
        late = Holder(self)
        late.say("read", "/rw", "forever")
        self.wait_members("/rw", 4)
        self.assertEqual(self.first.ask("release"), "OK")
        self.wait_members("/rw", 3)
        self.assert_waits(self.third)
        self.assertEqual(self.second.ask("release"), "OK")
        self.fence(self.third.answer())
        self.assert_waits(late)
        self.assertEqual(self.third.ask("release"), "OK")
        self.fence(late.answer())

    def test_a_semaphore_lets_as_many_in_as_it_has_permits(self):
        self.fence(self.first.ask("semaphore", "/permits", 0, 2))
        self.fence(self.second.ask("semaphore", "/permits", 0, 2))
        self.third.say("semaphore", "/permits", "forever", 2)
        self.wait_members("/permits", 3)
        self.assert_waits(self.third)
        self.assertEqual(self.second.ask("release"), "OK")
        self.fence(self.third.answer())
        self.assertEqual(self.first.ask("state"), "SAFE")
        for permits in (0, 10001):
            self.assertRegex(self.first.ask("semaphore", "/permits", 0, permits),
                             "^INVALID_ARGUMENT permits")

    def test_all_locks_or_none(self):
        self.fence(self.first.ask("lock", "/m/2", 0))
        self.assertRegex(self.second.ask("all", 300, "/m/3", "/m/1", "/m/2"), "^TIMEOUT")
        for path in ("/m/1", "/m/3"):
            self.assertEqual(self.ctl.run("ls", path).out, b"", path)
        self.second.say("all", "forever", "/m/3", "/m/2", "/m/1")
        self.third.say("all", "forever", "/m/1", "/m/2", "/m/3")
        self.wait_members("/m/1", 2)
        self.assertEqual(self.first.ask("release"), "OK")
        harness.wait_until("one has all", 30,
                           lambda: self.second.has_answered() or self.third.has_answered())
        one, other = ((self.second, self.third) if self.second.has_answered()
                      else (self.third, self.second))
        self.assertEqual(one.answer(), "granted 3")
        self.assert_waits(other)
        for _ in range(3):
            self.assertEqual(one.ask("release"), "OK")
        self.assertEqual(other.answer(), "granted 3")
        self.assertRegex(one.ask("all", 0, "/m/1", "/m/1"), "^INVALID_ARGUMENT .*twice")

    # ---- What is held, and no longer ----

    def test_writes_are_guarded(self):
        self.ctl.do("create", "/guarded", "")
        self.fence(self.first.ask("lock", "/guard", 0))
        self.assertEqual(self.first.ask("guarded", "/guarded"), "OK")
        node = "/guard/" + self.ctl.do("ls", "/guard").decode().split()[0]
        self.ctl.do("rm", node)
        self.assertEqual(self.first.ask("wait", "SAFE", 30000), "LOST")
        self.assertEqual(self.first.ask("guarded", "/guarded"), "NOT_HELD")
        self.assertEqual(self.first.ask("wait", "LOST", 30000), "CLOSED")
        self.assertEqual(self.first.ask("release"), "OK")

    def test_a_lost_lock_is_not_taken_from_the_next_holder(self):
        self.fence(self.first.ask("try", "/next", 0))
        self.ctl.do("rm", "/next")
        second = self.fence(self.second.ask("try", "/next", 0))
        self.assertEqual(self.first.ask("wait", "SAFE", 30000), "LOST")
        self.assertEqual(self.first.ask("release"), "OK")
        self.assertEqual(self.second.ask("state"), "SAFE")
        self.assertRegex(self.third.ask("try", "/next", 0), "^NODE_EXISTS")
        self.assertGreater(second, 0)

    def test_closing_the_session_gives_it_up(self):
        self.fence(self.first.ask("lock", "/closed", 0))
        self.second.say("lock", "/closed", "forever")
        self.wait_members("/closed", 2)
        self.assertEqual(self.first.ask("close"), "OK")
        self.fence(self.second.answer())
        self.assertEqual(self.first.ask("state"), "LOST")
        self.fence(self.first.ask("lock", "/closed/other", 0))  # with another session

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

    def test_a_killed_holder(self):
        self.fence(self.first.ask("lock", "/killed", 0))
        self.second.say("lock", "/killed", "forever")
        self.wait_members("/killed", 2)
        self.first.process.signal(signal.SIGKILL)
        self.fence(self.second.answer())

    def test_a_stopped_holder_is_lost_and_its_write_refused(self):
        self.ctl.do("create", "/stopped-work", "")
        self.fence(self.first.ask("lock", "/stopped", 0))
        self.second.say("lock", "/stopped", "forever")
        self.wait_members("/stopped", 2)
        self.first.process.signal(signal.SIGSTOP)
        self.fence(self.second.answer())
        self.first.process.signal(signal.SIGCONT)
        self.assertEqual(self.first.ask("state"), "LOST")
        self.assertEqual(self.first.ask("guarded", "/stopped-work"), "NOT_HELD")

    # ---- Barriers and queues ----

    def test_a_barrier_holds_up_until_it_is_lowered(self):
        self.assertEqual(self.first.ask("pass", "/gate", 0), "OK")
        for _ in range(2):
            self.assertEqual(self.first.ask("raise", "/gate"), "OK")
        self.assertEqual(self.first.ask("pass", "/gate", 300), "TIMEOUT")
        for holder in (self.second, self.third):
            holder.say("pass", "/gate", "forever")
        self.kill_leader()
        for holder in (self.second, self.third):
            self.assert_waits(holder)
        for _ in range(2):
            self.assertEqual(self.first.ask("lower", "/gate"), "OK")
        for holder in (self.second, self.third):
            self.assertEqual(holder.answer(), "OK")

    def test_a_queue_hands_out_in_order(self):
        self.assertRegex(self.first.ask("take", "/jobs/q", 0), "^TIMEOUT it is empty")
        for priority, data in ((9, "c"), (9, "d"), (10, "e"), (0, "a"), (1, "b")):
            self.assertEqual(self.first.ask("put", "/jobs/q", priority, data), "OK")
        taken = [self.second.ask("take", "/jobs/q", 0) for _ in range(5)]
        self.assertEqual(taken, [f"taken {each}" for each in "abcde"])
        self.second.say("take", "/jobs/q", "forever")
        self.assertEqual(self.first.ask("put", "/jobs/q", 1, "late"), "OK")
        self.assertEqual(self.second.answer(), "taken late")

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

    # ---- Under killed leaders ----

    def test_a_lock_outlives_leaders(self):
        fences = [self.fence(self.first.ask("lock", "/outlives", 0))]
        for holder, waiter in ((self.first, self.second), (self.second, self.third)):
            waiter.say("lock", "/outlives", "forever")
            self.wait_members("/outlives", 2)
            self.kill_leader()
            self.assert_waits(waiter)
            self.assertEqual(holder.ask("state"), "SAFE")
            self.assertEqual(holder.ask("release"), "OK")
            fences.append(self.fence(waiter.answer()))
        self.assertEqual(fences, sorted(set(fences)))

    def test_an_office_and_its_observer(self):
        observer = Holder(self)
        self.assertEqual(observer.ask("observe", "/office"), "OK")
        self.assertEqual(observer.ask("next", 0), "nobody")
        self.assertRegex(observer.ask("next", 200), "^TIMEOUT")
        candidates = [self.first, self.second, self.third]
        fences = []
        for holder, following in zip(candidates, [*candidates[1:], None]):
            if not fences:
                fences.append(self.fence(holder.ask("campaign", "/office", "forever")))
            self.assertEqual(observer.ask("next", 30000),
                             f"leader {fences[-1]} {holder.process.pid}")
            if following is None:
                break
            following.say("campaign", "/office", "forever")
            self.wait_members("/office", 2)
            if following is self.second:
                self.kill_leader()
                self.assertEqual(holder.ask("release"), "OK")
            else:
                holder.process.signal(signal.SIGKILL)
            fences.append(self.fence(following.answer()))
        self.assertRegex(observer.ask("next", 200), "^TIMEOUT")
        self.assertEqual(self.third.ask("release"), "OK")
        self.assertEqual(observer.ask("next", 30000), "nobody")


if __name__ == "__main__":
    harness.main()
