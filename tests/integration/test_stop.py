#!/usr/bin/env python3
"""A leader that is stopped by an operator hands its office over instead of being missed."""

import time

import harness

# Far below the time in which followers notice a dead leader, far above a hand-over.
GAP_SECONDS_MAX = 0.5


class GracefulStop(harness.ClusterTest):
    def test_leadership_is_handed_over(self):
        leader = self.cluster.wait_leader()
        others = [each for each in self.cluster.replicas if each is not leader]
        control = self.cluster.coordctl(*others)
        control.do("create", "/before")
        code = leader.daemon.stop()
        self.assertEqual(code, 0, leader.daemon.log()[-2000:])
        started = time.monotonic()
        control.do("create", "/after")
        self.assertLess(time.monotonic() - started, GAP_SECONDS_MAX)
        leader.start()
        self.cluster.wait_all_vote()

    def test_every_replica_in_turn(self):
        """A rolling restart: each is stopped once, nobody is ever refused for longer than a moment."""
        control = self.cluster.coordctl()
        control.do("create", "/rolling")
        for replica in self.cluster.replicas:
            self.assertEqual(replica.daemon.stop(), 0)
            control.do("create", f"/rolling/{replica.number}")
            replica.start()
            self.cluster.wait_all_vote()
        self.assertEqual(len(control.do("ls", "/rolling").split()), len(self.cluster.replicas))

    def test_interrupt_is_a_stop_too(self):
        replica = self.cluster.replicas[0]
        replica.daemon.signal(2)
        self.assertEqual(replica.daemon.wait(20), 0)
        replica.start()
        self.cluster.wait_all_vote()


if __name__ == "__main__":
    harness.main()
