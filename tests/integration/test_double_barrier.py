#!/usr/bin/env python3
"""Double barriers between processes: rounds begin and end together, whoever dies meanwhile."""

import signal

import harness
from harness import wait_until
from holder import Holder, RecipeTest

FOREVER = "forever"


class DoubleBarriers(RecipeTest):
    def setUp(self):
        super().setUp()
        self.all = [self.first, self.second, self.third]

    def names(self, path):
        return self.ctl.run("ls", path).text.split()

    def wait_parties(self, path, count):
        """So many are in, or wait to be."""
        wait_until(f"{count} parties of {path}", 30, lambda: count == sum(
            name.startswith("party-") for name in self.names(path)))

    def enter_all(self, path, holders):
        """Each but the last waits until the last comes."""
        for number, holder in enumerate(holders, 1):
            holder.say("enter", path, len(holders), FOREVER)
            if number < len(holders):
                self.wait_parties(path, number)
                self.assert_waits(holder)
                self.assertNotIn("ready", self.names(path))
        for holder in holders:
            self.assertEqual(holder.answer(), "OK")
        self.assertIn("ready", self.names(path))

    def leave_all(self, path, holders):
        """Each but the last waits until the last leaves."""
        for number, holder in enumerate(holders, 1):
            holder.say("leave", FOREVER)
            self.wait_parties(path, len(holders) - number)
            if number < len(holders):
                self.assert_waits(holder)
        for holder in holders:
            self.assertEqual(holder.answer(), "OK")
        self.assertEqual(self.names(path), [])

    def test_rounds_begin_and_end_together(self):
        for holders in (self.all, self.all[::-1], self.all[1:], self.all[:1]):
            self.enter_all("/rounds/a", holders)
            self.leave_all("/rounds/a", holders)

    def test_rounds_at_once(self):
        """Nobody waits between two rounds, and nobody is a step ahead of what the others have begun."""
        rounds = 8
        done = [0, 0, 0]
        for holder in self.all:
            holder.say("enter", "/quick", 3, FOREVER)
        while min(done) < 2 * rounds:
            for number, holder in enumerate(self.all):
                if holder.has_answered() and done[number] < 2 * rounds:
                    self.assertEqual(holder.answer(), "OK")
                    done[number] += 1
                    self.assertLessEqual(max(done) - min(done), 1)
                    if done[number] < 2 * rounds:
                        entered = done[number] % 2 == 1
                        holder.say(*(("leave", FOREVER) if entered
                                     else ("enter", "/quick", 3, FOREVER)))
            wait_until("somebody is further", 30, lambda: min(done) == 2 * rounds or any(
                done[number] < 2 * rounds and holder.has_answered()
                for number, holder in enumerate(self.all)))
        self.assertEqual(self.names("/quick"), [])

    def test_who_gives_up_does_not_count(self):
        self.assertRegex(self.first.ask("enter", "/patience", 2, 0), "^TIMEOUT not enough")
        self.assertRegex(self.first.ask("enter", "/patience", 2, 300), "^TIMEOUT not enough")
        self.wait_parties("/patience", 0)
        self.enter_all("/patience", self.all[:2])
        self.assertRegex(self.first.ask("leave", 200), "^TIMEOUT others are still in")
        self.assertEqual(self.second.ask("leave", 0), "OK")
        self.assertEqual(self.names("/patience"), [])

    def test_who_is_killed_while_it_waits_does_not_count(self):
        dead, late = Holder(self), Holder(self)
        dead.say("enter", "/mortal", 3, FOREVER)
        self.first.say("enter", "/mortal", 3, FOREVER)
        self.wait_parties("/mortal", 2)
        dead.process.signal(signal.SIGKILL)
        self.wait_parties("/mortal", 1)
        self.second.say("enter", "/mortal", 3, FOREVER)
        self.wait_parties("/mortal", 2)
        self.assertRegex(late.ask("enter", "/mortal", 4, 0), "^TIMEOUT")  # 3 at that moment
        self.assert_waits(self.first)
        self.assert_waits(self.second)
        self.assertEqual(self.third.ask("enter", "/mortal", 3, FOREVER), "OK")
        for holder in self.all[:2]:
            self.assertEqual(holder.answer(), "OK")
        self.leave_all("/mortal", self.all)

    def test_who_is_killed_inside_holds_nobody_up(self):
        dead = Holder(self)
        self.enter_all("/inside", [dead, *self.all])
        for holder in self.all:
            holder.say("leave", FOREVER)
        self.wait_parties("/inside", 1)
        for holder in self.all:
            self.assert_waits(holder)
        dead.process.signal(signal.SIGKILL)
        for holder in self.all:
            self.assertEqual(holder.answer(), "OK")
        self.assertEqual(self.names("/inside"), [])

    def test_what_a_crashed_round_leaves_lets_nobody_in(self):
        dead = [Holder(self), Holder(self)]
        self.enter_all("/crashed", dead)
        for holder in dead:
            holder.process.signal(signal.SIGKILL)
        self.wait_parties("/crashed", 0)
        self.assertEqual(self.names("/crashed"), ["ready"])
        self.enter_all("/crashed", self.all)
        self.leave_all("/crashed", self.all)

    def test_a_lost_session(self):
        waiting, inside = self.first, self.second
        waiting.say("enter", "/lost/wait", 2, FOREVER)
        self.enter_all("/lost/in", [inside])
        self.wait_parties("/lost/wait", 1)
        for holder in (waiting, inside):
            holder.process.signal(signal.SIGSTOP)
        self.wait_parties("/lost/wait", 0)
        self.wait_parties("/lost/in", 0)
        for holder in (waiting, inside):
            holder.process.signal(signal.SIGCONT)
        self.assertRegex(waiting.answer(), "^SESSION_EXPIRED ")
        self.assertEqual(inside.ask("leave", FOREVER), "OK")
        self.assertEqual(self.names("/lost/in"), ["ready"])
        self.enter_all("/lost/in", self.all)
        self.leave_all("/lost/in", self.all)

    def test_a_place_that_somebody_deleted(self):
        self.first.say("enter", "/robbed", 2, FOREVER)
        self.wait_parties("/robbed", 1)
        self.ctl.do("rm", f"/robbed/{self.names('/robbed')[0]}")
        for holder in self.all[1:]:
            holder.say("enter", "/robbed", 2, FOREVER)
        for holder in self.all[1:]:
            self.assertEqual(holder.answer(), "OK")
        self.assertRegex(self.first.answer(), "^NO_NODE somebody has deleted /robbed/party-")
        self.leave_all("/robbed", self.all[1:])

    def test_who_comes_late_is_in_at_once(self):
        self.enter_all("/late", self.all[:2])
        self.assertEqual(self.third.ask("enter", "/late", 2, 0), "OK")
        self.leave_all("/late", self.all)

    def test_who_leaves_does_not_wait_for_who_came_after_that(self):
        self.enter_all("/after", self.all[:2])
        self.first.say("leave", FOREVER)
        self.wait_parties("/after", 1)
        self.assertEqual(self.third.ask("enter", "/after", 2, 0), "OK")
        self.assert_waits(self.first)
        self.second.say("leave", FOREVER)
        self.assertEqual(self.first.answer(), "OK")
        self.assert_waits(self.second)
        self.assertEqual(self.third.ask("leave", FOREVER), "OK")
        self.assertEqual(self.second.answer(), "OK")
        self.assertEqual(self.names("/after"), [])

    def test_it_outlives_leaders(self):
        self.first.say("enter", "/leaders", 3, FOREVER)
        self.second.say("enter", "/leaders", 3, FOREVER)
        self.wait_parties("/leaders", 2)
        leader = self.cluster.wait_leader()
        leader.daemon.kill()
        self.assertEqual(self.third.ask("enter", "/leaders", 3, FOREVER), "OK")
        leader.start()
        wait_until(f"coordd {leader.number} is ready again", 60, leader.is_ready)
        for holder in self.all[:2]:
            self.assertEqual(holder.answer(), "OK")
            holder.say("leave", FOREVER)
        self.wait_parties("/leaders", 1)
        self.kill_leader()
        for holder in self.all[:2]:
            self.assert_waits(holder)
        self.assertEqual(self.third.ask("leave", FOREVER), "OK")
        for holder in self.all[:2]:
            self.assertEqual(holder.answer(), "OK")
        self.assertEqual(self.names("/leaders"), [])

    def test_bad_arguments(self):
        for count in (0, 10001):
            self.assertRegex(self.first.ask("enter", "/bad", count, 0), "^INVALID_ARGUMENT count")
        self.assertRegex(Holder(self, timeout_ms=0).ask("enter", "/bad", 1, 0),
                         "^INVALID_ARGUMENT .*no session")
        self.assertRegex(self.first.ask("enter", "bad", 1, 0), "^INVALID_ARGUMENT ")
        self.assertEqual(self.names("/bad"), [])

    def test_within_a_namespace(self):
        self.ctl.do("create", "/app")
        inner = Holder(self, name_space="/app")
        inner.say("enter", "/rounds", 2, FOREVER)
        self.wait_parties("/app/rounds", 1)
        self.assertEqual(self.first.ask("enter", "/app/rounds", 2, FOREVER), "OK")
        self.assertEqual(inner.answer(), "OK")
        inner.say("leave", FOREVER)
        self.wait_parties("/app/rounds", 1)
        self.assertEqual(self.first.ask("leave", FOREVER), "OK")
        self.assertEqual(inner.answer(), "OK")
        self.assertEqual(self.names("/app/rounds"), [])


if __name__ == "__main__":
    harness.main()
