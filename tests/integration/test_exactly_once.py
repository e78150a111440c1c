#!/usr/bin/env python3
"""Increments by several sessions through killed leaders and cut connections: each exactly once.

COORD_INCREMENTS, COORD_KILLS and COORD_CUTS change its length; ./dev long asks for 10000, 50, 50.
"""

import json
import os
import sys
import time

import harness
from cluster.control import Running

INCREMENTS = int(os.environ.get("COORD_INCREMENTS", "1000"))
KILLS = int(os.environ.get("COORD_KILLS", "5"))
CUTS = int(os.environ.get("COORD_CUTS", "5"))
SESSIONS = 10
RELAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "relay.py")


class Increments(harness.ClusterTest):
    def setUp(self):
        """One relay, a process, in front of all replicas."""
        self.ports = harness.free_ports(len(self.cluster.replicas))
        pairs = [f"{port}:{replica.client_port}"
                 for port, replica in zip(self.ports, self.cluster.replicas)]
        self.relay = Running([sys.executable, RELAY, *pairs], None)
        self.addCleanup(self.relay.end)
        self.relay.wait_lines(1)

    def start_load(self):
        control = harness.Coordctl(
            os.path.join(harness.BUILD, "tests", "integration", "load"),
            [f"127.0.0.1:{port}" for port in self.ports], self.cluster.client)
        load = control.start("increments", "/sum", str(SESSIONS), str(INCREMENTS))
        self.addCleanup(load.end)
        return load

    def cut_connections(self):
        answered = len(self.relay.lines)
        self.relay.say("reset")
        self.relay.wait_lines(answered + 1)

    def resumed(self):
        """How often the sessions went on with another stream, all together."""
        lines = self.cluster.as_admin().do("session", "list", "-o", "json").decode().splitlines()
        self.assertEqual(len(lines), SESSIONS)
        return sum(json.loads(line)["attach"] - 1 for line in lines)

    def test_each_happens_exactly_once(self):
        self.cluster.coordctl().do("create", "/sum", "0")
        load = self.start_load()
        disturbances = spread(KILLS * [self.kill_leader] + CUTS * [self.cut_connections])
        steps = len(disturbances) + 1
        started = time.monotonic()
        for step, disturb in enumerate(disturbances):
            # As many as belong to this disturbance may begin; it comes once the first is through.
            load.say((step + 1) * INCREMENTS // steps)
            load.wait_lines(step * INCREMENTS // steps + 1, 120)
            disturb()
        resumed = self.resumed()
        self.assertGreater(resumed, CUTS * SESSIONS // 2)
        load.end_input()
        self.assertEqual(load.wait(300), 0, load.err)
        self.assertEqual(sorted(map(int, load.lines)), list(range(1, INCREMENTS + 1)))
        self.cluster.wait_all_vote()
        for replica in self.cluster.replicas:
            self.assertEqual(self.cluster.coordctl(replica).do("get", "/sum").decode(),
                             str(INCREMENTS))
        print(f"\n{INCREMENTS} increments by {SESSIONS} sessions, {KILLS} leader kills, "
              f"{CUTS} times all connections cut, {resumed} resumes: {INCREMENTS} distinct "
              f"results, {time.monotonic() - started:.0f} s")


def spread(kinds):
    """The same, with kinds taking turns."""
    half = len(kinds) // 2
    first, second = kinds[:half], kinds[half:]
    mixed = [each for pair in zip(first, second) for each in pair]
    return mixed + first[len(second):] + second[len(first):]


if __name__ == "__main__":
    harness.main()
