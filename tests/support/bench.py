#!/usr/bin/env python3
"""./dev bench: how fast three replicas on this machine answer, and how much memory they need.

Everything is on 127.0.0.1 with mutual TLS, in a folder of its own that is removed at the end. The
replicas, the clients and whatever else this machine does share its cores: numbers of one run can be
compared with each other, those of two runs only if the machine was as busy.
"""

import argparse
import json
import math
import os
import statistics
import tempfile

from cluster.cluster import Cluster, ports_of_replicas
from cluster.control import Running
from cluster.waiting import wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The variable is for a test or for another build.
BUILD = os.environ.get("COORD_BUILD", os.path.join(ROOT, "build", "dev"))
MIB = 1 << 20

# (name, words for coordctl bench, what is measured, aim); the aims are those of the design.
SPEED = [
    ("writes, 100 x 16", ["--sessions", "100", "--outstanding", "16"], "per_second", 60000),
    ("linearizable reads, 10 x 16", ["--sessions", "10", "--reads", "100"], "per_second", 80000),
    ("SESSION reads, 10 x 16", ["--sessions", "10", "--reads", "100", "--level", "session"],
     "per_second", 120000),
    ("one write at a time, 1 x 1", ["--sessions", "1", "--outstanding", "1"], "p50_ms", 1.2),
]

# (name, words for fill, the figure that shows it, whether each replica has all of them)
MEMORY = [
    ("sessions", 5000, "coord_sessions", True),
    ("watches", 1000000, "coord_watches", False),
    ("nodes", 1000000, "coord_nodes", True),
]
FILL_SECONDS_MAX = 900


def say(text=""):
    print(text, flush=True)


def of_machine():
    """What the numbers depend on, in one line."""
    with open("/proc/loadavg", encoding="ascii") as file:
        load = file.read().split()[0]
    return f"{os.cpu_count()} cores, load average before it {load}"


class Replicas:
    """Three replicas that are there as long as the `with`."""

    def __init__(self, **settings):
        self.settings = settings

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="bench-", dir=os.path.dirname(BUILD))
        self.cluster = Cluster(BUILD, self.folder.name, ports_of_replicas(3))
        self.cluster.configure()
        for replica in self.cluster.replicas:
            replica.settings.update(self.settings)
            replica.write_settings()
        try:
            self.cluster.start()
            self.cluster.give_birth()
        except BaseException:
            self.__exit__()
            raise
        return self.cluster

    def __exit__(self, *_):
        for replica in self.cluster.replicas:
            replica.daemon.kill()
        self.folder.cleanup()


# ---- Speed ----

def mean_cpu(replicas):
    """None if there are none, as after an election in the middle."""
    return statistics.mean(each["cpu_us_per_operation"] for each in replicas) if replicas else None


def measured(told):
    """Of the JSON of a run: what may be compared, over all its requests."""
    kind = told["reads"] if told["reads_percent"] else told["writes"]
    known = [each for each in told["replicas"] if each["code"] == "OK"]
    leaders = [each for each in known if each["role"] == "leader"]
    followers = [each for each in known if each["role"] == "follower"]
    if told["errors"] or (len(leaders), len(followers)) != (1, 2):
        say(f"not all went well, as on a machine that stalls: {json.dumps(told)}")
    return {
        "per_second": kind["per_second"], "p50_ms": kind["p50_us"] / 1e3,
        "p99_ms": kind["p99_us"] / 1e3, "p999_ms": kind["p999_us"] / 1e3,
        "leader_us": mean_cpu(leaders),
        "follower_us": mean_cpu(followers),
        "client_us": told["client_cpu_us_per_operation"],
        "memory_mib": max((each["memory_bytes"] for each in known), default=0) / MIB,
    }


def middle(rounds, name):
    """NaN where it is not known of any round."""
    known = [each[name] for each in rounds if each[name] is not None]
    return statistics.median(known) if known else math.nan


def print_speed(results):
    say(f"{'':28} {'a second':>9} {'lowest':>8} {'highest':>8} {'p50 ms':>8} {'p99 ms':>8} "
        f"{'p99.9 ms':>8}   aim")
    for (name, _, figure, aim), rounds in zip(SPEED, results):
        rates = [each["per_second"] for each in rounds]
        found = middle(rounds, figure)
        share = found / aim if figure == "per_second" else aim / found
        wanted = f"{aim} a second" if figure == "per_second" else f"p50 {aim} ms"
        say(f"{name:28} {statistics.median(rates):9.0f} {min(rates):8.0f} {max(rates):8.0f} "
            f"{middle(rounds, 'p50_ms'):8.2f} {middle(rounds, 'p99_ms'):8.2f} "
            f"{middle(rounds, 'p999_ms'):8.2f}   {wanted}: {share:.2f} of it")
    say()
    say(f"{'CPU us for one':28} {'leader':>9} {'follower':>8} {'clients':>8} {'all':>8}   "
        "memory of a replica, MiB")
    for (name, _, _, _), rounds in zip(SPEED, results):
        parts = [middle(rounds, part) for part in ("leader_us", "follower_us", "client_us")]
        whole = parts[0] + 2 * parts[1] + parts[2]
        say(f"{name:28} {parts[0]:9.1f} {parts[1]:8.1f} {parts[2]:8.1f} {whole:8.1f}   "
            f"{middle(rounds, 'memory_mib'):.0f}")
    rates = [middle(rounds, "per_second") for rounds in results]
    say()
    say(f"in this run a second: linearizable reads / writes {rates[1] / rates[0]:.2f}, SESSION reads / "
        f"linearizable reads {rates[2] / rates[1]:.2f}, writes / one at a time {rates[0] / rates[3]:.1f}")


def speed(seconds, rounds):
    say(f"{of_machine()}; the middle of {rounds} rounds of {seconds} s each, in turn")
    say()
    results = [[] for _ in SPEED]
    with Replicas() as cluster:
        control = cluster.as_admin()
        for _ in range(rounds):
            for (_, words, _, _), to in zip(SPEED, results):
                told = control.do("bench", "-o", "json", "--seconds", str(seconds), *words,
                                  seconds=seconds + 120)
                to.append(measured(json.loads(told)))
    print_speed(results)


# ---- Memory ----

def resident(replica):
    return replica.metrics()["process_resident_memory_bytes"]


def tree_bytes(cluster):
    line = cluster.as_admin(cluster.replicas[0]).do("status", "-o", "plain").decode()
    return int(dict(word.split("=", 1) for word in line.split())["tree_bytes"])


def resident_of(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def there(cluster, figure, everywhere):
    counts = [replica.metrics().get(figure, 0) for replica in cluster.replicas]
    return min(counts) if everywhere else sum(counts)


def fill(cluster, name, count, figure, everywhere):
    """(growth of each replica, growth of the tree, memory of the filling process)."""
    program = os.path.join(BUILD, "tests", "integration", "fill")
    before = [resident(replica) for replica in cluster.replicas]
    tree_before = tree_bytes(cluster)
    at_first = there(cluster, figure, everywhere)
    filling = Running([program, name, str(count)], cluster.coordctl().whole_environment())
    try:
        filling.wait_lines(1, FILL_SECONDS_MAX)
        wait_until(f"the replicas count {count} {name}", 60,
                   lambda: there(cluster, figure, everywhere) - at_first >= count)
        after = [resident(replica) for replica in cluster.replicas]
        return ([now - then for now, then in zip(after, before)],
                tree_bytes(cluster) - tree_before, resident_of(filling.pid))
    finally:
        filling.end()


def memory(divide):
    say(f"{of_machine()}; growth of resident memory, each line with replicas of its own")
    say()
    say(f"{'':20} {'bytes each':>10} {'of it data':>10} {'client':>8}   growth of the replicas, MiB")
    for name, count, figure, everywhere in MEMORY:
        count //= divide
        # Old changes are no part of what is measured.
        with Replicas(history_bytes="1MiB") as cluster:
            grown, tree, client = fill(cluster, name, count, figure, everywhere)
        whole = sum(grown) / (len(grown) if everywhere and name == "nodes" else 1)
        share = f"{tree / count:10.0f}" if tree else f"{'':10}"
        client = f"{client / count:8.0f}" if name != "nodes" else f"{'':8}"
        say(f"{count:8} {name:11} {whole / count:10.0f} {share} {client}   "
            f"{', '.join(f'{each / MIB:.0f}' for each in grown)}")
    say()
    say("A node is in every replica: the mean of them. A session has its connection at one and is known to")
    say("all, a watch is at one: the sum over all of them. Of data: names and data of nodes.")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("what", nargs="?", choices=["speed", "memory"], default="speed")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement of speed")
    parser.add_argument("--rounds", type=int, default=3, help="of them")
    parser.add_argument("--divide", type=int, default=1,
                        help="memory: a part only of the nodes, watches and sessions")
    given = parser.parse_args()
    if given.seconds < 1 or given.rounds < 1 or not 1 <= given.divide <= 100:
        parser.error("--seconds and --rounds count from 1 on, --divide from 1 to 100")
    if given.what == "speed":
        speed(given.seconds, given.rounds)
    else:
        memory(given.divide)


if __name__ == "__main__":
    main()
