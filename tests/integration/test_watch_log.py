#!/usr/bin/env python3
"""What `coordctl watch -o json` prints through killed replicas equals what the log has.

The log of each replica is decoded by a program of its own, log_reader. COORD_CHANGES and COORD_KILLS
change its length; ./dev long asks for 10000 and 20.
"""

import json
import os
import shutil
import subprocess
import time

import harness

CHANGES = int(os.environ.get("COORD_CHANGES", "1000"))
KILLS = int(os.environ.get("COORD_KILLS", "4"))
SESSIONS = 4
PROGRAMS = os.path.join(harness.BUILD, "tests", "integration")


class WatchAndLog(harness.ClusterTest):
    def start_load(self):
        control = harness.Coordctl(os.path.join(PROGRAMS, "load"),
                                   [each.endpoint for each in self.cluster.replicas],
                                   self.cluster.client)
        load = control.start("changes", "/changes", str(SESSIONS), str(CHANGES))
        self.addCleanup(load.end)
        return load

    def kill(self, replica):
        leads = self.cluster.wait_leader() is replica
        replica.daemon.kill()
        if leads:
            self.cluster.wait_leader(other_than=replica)
        replica.start()
        harness.wait_until(f"coordd {replica.number} is ready again", 60, replica.is_ready)

    def serves_watch(self):
        return next((each for each in self.cluster.running()
                     if each.metrics().get("coord_watches")), None)

    def disturb(self, number):
        """In turn the leader and the replica that serves the watch."""
        if number % 2 == 0:
            self.kill(self.cluster.wait_leader())
        else:
            self.kill(harness.wait_until("a replica serves the watch", 30, self.serves_watch))

    def told(self, watch):
        lines = [json.loads(line) for line in list(watch.lines)]
        self.assertLessEqual({line["kind"] for line in lines},
                             {"SET", "BOOKMARK", "CREATED", "CHANGED", "DELETED"})
        return [(line["zxid"], line["kind"], line["path"]) for line in lines
                if line["kind"] not in ("SET", "BOOKMARK")]

    def logged(self, replica):
        """All changes in a copy of its directory."""
        copy = os.path.join(self.folder, f"copy-{replica.number}")
        shutil.copytree(os.path.join(replica.folder, "data"), copy,
                        ignore=shutil.ignore_patterns("lock"))
        done = subprocess.run(
            [os.path.join(PROGRAMS, "log_reader"), copy, "coord", str(replica.number)],
            capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [(line["zxid"], line["kind"], line["path"]) for line in lines]

    def test_they_are_equal(self):
        control = self.cluster.coordctl()
        watch = control.start("watch", "-r", "/changes", "-o", "json")
        self.addCleanup(watch.end)
        watch.wait_lines(1)
        control.do("create", "/changes")
        load = self.start_load()
        started = time.monotonic()
        for kill in range(KILLS):
            load.say((kill + 1) * CHANGES // (KILLS + 1))
            load.wait_lines(kill * CHANGES // (KILLS + 1) + 1, 120)
            self.disturb(kill)
        load.end_input()
        self.assertEqual(load.wait(300), 0, load.err)
        seconds = time.monotonic() - started
        self.cluster.wait_all_vote()
        control.do("rm", "-r", "/changes")
        harness.wait_until("the watch is told the last change", 60, lambda: (
            ("DELETED", "/changes") in [(kind, path) for _, kind, path in self.told(watch)]))
        told = self.told(watch)
        # Marks are written lazily: with later entries the log says that the last one is chosen.
        for name in ("/later", "/later/still"):
            control.do("create", name)
        self.cluster.wait_all_vote()
        self.cluster.stop()
        # What the load did, /changes itself, and what the removal found; nothing twice.
        left = [path for _, kind, path in told if kind == "CREATED"][1:]
        removed = [change for change in told if change[0] == told[-1][0]]
        self.assertEqual(len(told) - len(removed), CHANGES + 1)
        self.assertGreater(len(left), CHANGES // 4 - 1)
        for replica in self.cluster.replicas:
            logged = [change for change in self.logged(replica)
                      if change[2].startswith("/changes")]
            self.assertEqual(told, logged, f"coordd {replica.number}")
        print(f"\n{len(told)} changes told under {KILLS} kills equal those of 3 logs, "
              f"{seconds:.0f} s")


if __name__ == "__main__":
    harness.main()
