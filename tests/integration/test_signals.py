#!/usr/bin/env python3
"""A signal in the middle: a program of libcoord that gets one every millisecond, see signals.c."""

import os

import harness

PROGRAM = os.path.join(harness.BUILD, "tests", "integration", "signals")
ROUNDS = 5


class Signals(harness.ClusterTest):
    def program(self):
        control = self.cluster.coordctl()
        return harness.Coordctl(PROGRAM, control.endpoints, control.identity)

    def test_nothing_fails_and_nothing_hangs(self):
        done = self.program().run(str(ROUNDS), seconds=100)
        self.assertEqual((done.code, done.err), (0, ""), done.text)
        signals = int(done.text.split()[0])
        self.assertGreater(signals, 100 * ROUNDS)  # five waits of 50 ms a round

    def test_nor_when_the_leader_is_killed(self):
        running = self.program().start(str(4 * ROUNDS))
        self.addCleanup(running.end)
        leader = self.cluster.wait_leader()
        leader.daemon.kill()
        self.cluster.wait_leader(other_than=leader)
        leader.start()
        self.assertEqual(running.wait(100), 0, running.lines)


if __name__ == "__main__":
    harness.main()
