#!/usr/bin/env python3
"""Two jobs compete for mastership through cuts, delays and kills of the leader: never two masters.

Each job (master_job.c) is a process of its own on libclient, behind a relay of its own (relay.py).
Both stamp CLOCK_MONOTONIC into one file. COORD_CHANGES says how often the office changes hands;
./dev long asks for 100.
"""

import collections
import os
import random
import signal
import subprocess
import sys

import harness
from harness import wait_until

CHANGES = int(os.environ.get("COORD_CHANGES", "6"))
SEED = int(os.environ.get("COORD_SEED", "1"))
TIMEOUT_MS = 2000
SECONDS = 60
JOB = os.path.join(harness.BUILD, "tests", "integration", "master_job")
RELAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "relay.py")

Line = collections.namedtuple("Line", "ns name what fence code zxid")
Term = collections.namedtuple("Term", "name fence start stop")


class Relay:
    def __init__(self, replicas):
        self.ports = harness.free_ports(len(replicas))
        self.process = subprocess.Popen(
            [sys.executable, RELAY, *(f"{port}:{replica.client_port}"
                                      for port, replica in zip(self.ports, replicas))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def say(self, command):
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == f"{command}\n"

    def end(self):
        self.process.stdin.close()
        self.process.wait(SECONDS)
        self.process.stdout.close()


class Job:
    def __init__(self, test, name, until):
        cluster = test.cluster
        self.name = name
        self.until = until
        self.relay = Relay(cluster.replicas)
        identity = cluster.client
        self.log = open(os.path.join(test.folder, f"{name}.log"), "wb")
        self.process = subprocess.Popen(
            [JOB, name, until, ",".join(f"127.0.0.1:{port}" for port in self.relay.ports),
             ",".join(replica.endpoint for replica in cluster.replicas),
             identity.authority, identity.certificate, identity.key, str(TIMEOUT_MS), test.stamps],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def end(self):
        self.process.kill()
        self.process.wait(SECONDS)
        self.relay.end()
        self.log.close()


class Mastership(harness.ClusterTest):
    def setUp(self):
        self.stamps = os.path.join(self.folder, f"stamps-{self.id().rsplit('.', 1)[1]}")
        control = self.cluster.coordctl()
        for path in ("/office", "/work"):
            control.run("create", path)
        self.jobs = {}
        for name, until in (("one", "suspect"), ("two", "lost")):
            self.jobs[name] = Job(self, name, until)
            self.addCleanup(self.jobs[name].end)

    def lines(self):
        if not os.path.exists(self.stamps):
            return []
        with open(self.stamps, encoding="ascii") as file:
            text = file.read()
        return [Line(int(ns), name, what, int(fence), code, int(zxid)) for ns, name, what, fence,
                code, zxid in (line.split() for line in text.splitlines())]

    def terms(self):
        """In the order of fences; the stop of one that still serves is None."""
        found = {}
        for line in self.lines():
            if line.what == "start":
                found[line.fence] = Term(line.name, line.fence, line.ns, None)
            elif line.what == "stop":
                found[line.fence] = found[line.fence]._replace(stop=line.ns)
        return [found[fence] for fence in sorted(found)]

    def master(self):
        terms = self.terms()
        return terms[-1] if terms and terms[-1].stop is None else None

    def wait_master(self, other_than=None):
        def found():
            for job in self.jobs.values():
                self.assertIsNone(job.process.poll(), "a job lives on")
            master = self.master()
            return master if master and master.name != other_than else None
        return wait_until(f"somebody other than {other_than} is master", SECONDS, found)

    def wait_queued(self, name, fence):
        """It waits behind `fence`, or holds the office itself by now."""
        wait_until(f"{name} is in the queue", SECONDS, lambda: any(
            line.name == name and line.what == "queued" and line.fence > fence
            for line in self.lines()))

    def only_kill_leader(self):
        leader = self.cluster.wait_leader()
        leader.daemon.kill()
        return leader

    def assert_fences_order_writes(self):
        """Whatever a job believed: no write of an older fence took effect behind one of a newer."""
        written = sorted((line.zxid, line.fence) for line in self.lines()
                         if line.what == "wrote" and line.code == "OK")
        fences = [fence for _, fence in written]
        self.assertGreater(len(set(fences)), 1)
        self.assertEqual(fences, sorted(fences))
        codes = collections.Counter(line.code for line in self.lines() if line.what == "wrote")
        self.assertLessEqual(set(codes), {"OK", "NOT_HELD", "OUTCOME_UNKNOWN", "NO_LEADER",
                                          "UNREACHABLE", "TIMEOUT"})
        return codes

    def test_never_two_masters(self):
        rng = random.Random(SEED)
        faults = collections.Counter()
        for _ in range(CHANGES):
            master = self.wait_master()
            other = next(name for name in self.jobs if name != master.name)
            self.wait_queued(other, 0)
            relay = self.jobs[master.name].relay
            # A disturbance that need not cost anybody anything, and then one that does.
            noise = rng.choice(["", "delay", "reset", "kill"])
            if noise == "delay":
                for job in self.jobs.values():
                    job.relay.say(f"delay {rng.randrange(20, 150)}")
            elif noise == "reset":
                relay.say("reset")
            killed = self.only_kill_leader() if noise == "kill" else None
            fault = rng.choice(["cut", "hole"])
            relay.say(fault)
            faults.update(filter(None, (noise, fault)))
            if killed is not None:
                killed.start()
            self.wait_master(other_than=master.name)
            for job in self.jobs.values():
                job.relay.say("pass")
            self.wait_queued(master.name, master.fence)
        self.report(faults)

    def report(self, faults):
        terms = self.terms()
        margins = {}
        for old, new in zip(terms, terms[1:]):
            self.assertIsNotNone(old.stop, f"{old} stopped before {new} began")
            until = self.jobs[old.name].until
            margins.setdefault(until, []).append((new.start - old.stop) / 1e6)
        everything = [margin for each in margins.values() for margin in each]
        self.assertGreaterEqual(len(everything), CHANGES)
        print(f"\n{len(everything)} changes of mastership, seed {SEED}, through "
              + ", ".join(f"{count} {fault}" for fault, count in sorted(faults.items())))
        for until, each in sorted(margins.items()):
            print(f"old master stops when {until}: smallest margin {min(each):.1f} ms, "
                  f"largest {max(each):.1f} ms, of {len(each)}")
        print(f"smallest margin between one's stop and the next one's start: "
              f"{min(everything):.1f} ms; timeout {TIMEOUT_MS} ms", flush=True)
        self.assertGreater(min(everything), 0)
        codes = self.assert_fences_order_writes()
        print("fenced writes: " + ", ".join(f"{n} {code}" for code, n in sorted(codes.items())))

    def test_a_stopped_master_writes_nothing(self):
        """SIGSTOP: no code of the library runs, so it believes what it last knew; its fence tells."""
        for _ in range(2):
            master = self.wait_master()
            other = next(name for name in self.jobs if name != master.name)
            self.wait_queued(other, 0)
            wait_until("it writes", SECONDS, lambda: any(
                line.what == "wrote" and line.fence == master.fence and line.code == "OK"
                for line in self.lines()))  # pylint: disable=cell-var-from-loop
            process = self.jobs[master.name].process
            process.send_signal(signal.SIGSTOP)
            successor = self.wait_master(other_than=master.name)
            wait_until("its successor writes", SECONDS, lambda: any(
                line.what == "wrote" and line.fence == successor.fence and line.code == "OK"
                for line in self.lines()))  # pylint: disable=cell-var-from-loop
            before = len(self.lines())
            process.send_signal(signal.SIGCONT)
            wait_until("it knows that it is no master", SECONDS, lambda: (
                self.stopped_and_wrote(master, before)))  # pylint: disable=cell-var-from-loop
            late = self.late_writes(master, before)
            self.assertEqual({line.code for line in late}, {"NOT_HELD"}, late)
            self.wait_queued(master.name, master.fence)
        print(f"\n{dict(self.assert_fences_order_writes())}")

    def late_writes(self, master, before):
        """Writes of the old fence that were answered after it woke, and were not on their way then."""
        lines = self.lines()
        woke = max(line.ns for line in lines[:before])
        return [line for line in lines[before:]
                if line.what == "wrote" and line.fence == master.fence and line.ns > woke]

    def stopped_and_wrote(self, master, before):
        return self.late_writes(master, before) and any(
            line.what == "stop" and line.fence == master.fence for line in self.lines()[before:])


if __name__ == "__main__":
    harness.main()
