#!/usr/bin/env python3
"""Killed leaders: every acknowledged write is there, and a replica that comes back catches up.

COORD_WRITES and COORD_KILLS change its length; ./dev long asks for 5000 and 100.
"""

import os
import signal
import threading
import time

import harness

WRITES = int(os.environ.get("COORD_WRITES", "1000"))
KILLS = int(os.environ.get("COORD_KILLS", "20"))


class Writer(threading.Thread):
    """Creates /written/N for N = 0, 1, ... one after another and remembers what was acknowledged.

    A call that is refused or finds nobody is made again under the same name; since it may have
    happened all the same, "exists" is then as good as "done" (and would be a lie if a name were
    ever used for another value: the value is its number).
    """

    def __init__(self, control, count):
        super().__init__()
        self.control = control
        self.count = count
        self.acknowledged = []
        self.longest_gap = 0.0
        self.retries = 0
        self.error = None

    def run(self):
        try:
            for number in range(self.count):
                started = time.monotonic()
                self._write(number)
                self.acknowledged.append(number)
                self.longest_gap = max(self.longest_gap, time.monotonic() - started)
        except BaseException as error:  # pylint: disable=broad-except
            self.error = error

    def _write(self, number):
        deadline = time.monotonic() + 60
        asked_before = False
        while True:
            result = self.control.run("--timeout", "5s", "create", f"/written/{number}", str(number))
            if result.code == 0 or (asked_before and "exists" in result.err):
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"write {number} never succeeded: {result}")
            asked_before = True
            self.retries += 1


class LeaderKills(harness.ClusterTest):
    def test_acknowledged_writes_survive(self):
        control = self.cluster.coordctl()
        control.do("create", "/written")
        writer = Writer(control, WRITES)
        writer.start()
        for kill in range(1, KILLS + 1):
            wanted = kill * WRITES // (KILLS + 1)
            harness.wait_until(f"{wanted} writes are acknowledged", 120, lambda: (
                writer.error or len(writer.acknowledged) >= wanted))
            self.assertIsNone(writer.error)
            leader = self.cluster.wait_leader()
            leader.daemon.kill()
            self.cluster.wait_leader(other_than=leader)
            leader.start()
            harness.wait_until(f"coordd {leader.number} is ready again", 60, leader.is_ready)
        writer.join(300)
        self.assertFalse(writer.is_alive())
        self.assertIsNone(writer.error)
        self.cluster.wait_all_vote()
        for replica in self.cluster.replicas:
            reader = self.cluster.coordctl(replica)
            there = set(reader.do("ls", "/written").decode().split())
            missing = [number for number in writer.acknowledged if str(number) not in there]
            self.assertEqual(missing, [], f"acknowledged, but not on coordd {replica.number}")
        for number in writer.acknowledged[::max(1, WRITES // 20)]:
            self.assertEqual(control.do("get", f"/written/{number}").decode(), str(number))
        print(f"\n{len(writer.acknowledged)} writes acknowledged under {KILLS} leader kills, "
              f"{writer.retries} repeated, longest gap {writer.longest_gap * 1000:.0f} ms")


class Restarts(harness.ClusterTest):
    def test_killed_follower_catches_up(self):
        control = self.cluster.coordctl()
        leader = self.cluster.wait_leader()
        follower = next(each for each in self.cluster.replicas if each is not leader)
        follower.daemon.kill()
        for number in range(30):
            control.do("create", f"/missed-{number}", "x" * 1000)
        follower.start()
        harness.wait_until("it is ready", 60, follower.is_ready)
        self.assertEqual(self.cluster.coordctl(follower).do("get", "/missed-29"), b"x" * 1000)

    def test_all_killed_at_once(self):
        control = self.cluster.coordctl()
        control.do("create", "/kept", "through the night")
        for replica in self.cluster.replicas:
            replica.daemon.signal(signal.SIGKILL)
        for replica in self.cluster.replicas:
            replica.daemon.wait(10)
        self.cluster.start()
        self.cluster.wait_all_vote()
        self.assertEqual(control.do("get", "/kept"), b"through the night")

    def test_minority_acknowledges_nothing(self):
        """The leader is left alone; it may not answer before it notices either."""
        leader = self.cluster.wait_leader()
        control = self.cluster.coordctl(leader)
        control.do("get", "/")
        others = [each for each in self.cluster.replicas if each is not leader]
        for other in others:
            other.daemon.signal(signal.SIGKILL)
        try:
            result = control.run("--timeout", "3s", "create", "/minority", seconds=20)
            self.assertEqual(result.code, harness.Coordctl.UNREACHABLE, result)
            result = control.run("--timeout", "3s", "get", "/", seconds=20)
            self.assertEqual(result.code, harness.Coordctl.UNREACHABLE, result)
            harness.wait_until("the last one is not ready", 30, lambda: not leader.is_ready())
        finally:
            for other in others:
                other.daemon.wait(10)
                other.start()
            self.cluster.wait_all_vote()


if __name__ == "__main__":
    harness.main()
