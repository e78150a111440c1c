#!/usr/bin/env python3
"""The cluster of `./dev up`: three replicas on 127.0.0.1, kept in .dev/, shown at work, left running."""

import argparse
import os
import shlex
import shutil
import sys
import time

from cluster.cluster import Cluster, is_free
from cluster.waiting import NotInTime, wait_until
from tour.play import NAMES, play

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The variables are for the test of this program.
BUILD = os.environ.get("COORD_BUILD", os.path.join(ROOT, "build", "dev"))
STATE = os.environ.get("COORD_DEV_STATE", os.path.join(ROOT, ".dev"))
FIRST_PORT = int(os.environ.get("COORD_DEV_PORT", "7420"))
EXAMPLES = os.path.join(BUILD, "libclient", "examples")
PORTS = [tuple(FIRST_PORT + 10 * replica + port for port in range(3)) for replica in range(3)]
SHOW = "/dev-up"


def say(text):
    print(text, flush=True)


def milliseconds(seconds):
    return f"{seconds * 1000:.0f} ms"


def step(text):
    say(f"\n== {text}")


def make_cluster():
    cluster = Cluster(BUILD, STATE, PORTS)
    return cluster, cluster.configure()


def restart(replica, why):
    say(f"   coordd {replica.number}: {why}, restarting it")
    replica.daemon.stop()
    replica.start()


def require_free_ports(replicas):
    taken = [port for replica in replicas for port in replica.ports if not is_free(port)]
    if taken:
        raise RuntimeError(
            f"taken on 127.0.0.1 by another program: port {', '.join(map(str, taken))}; stop it, "
            "or choose where the ports begin: COORD_DEV_PORT=8420 ./dev up")


def bring_up(cluster, changed):
    """Starts what does not run and restarts, one by one, what runs something older."""
    ran_before = cluster.running()
    require_free_ports([replica for replica in cluster.replicas if replica not in ran_before])
    for replica in cluster.replicas:
        if replica.daemon.pid is None:
            replica.start()
            say(f"   coordd {replica.number}: pid {replica.daemon.pid}, clients on "
                f"{replica.endpoint}, HTTP on 127.0.0.1:{replica.http_port}, log in "
                f"{os.path.relpath(replica.daemon.log_file, ROOT)}")
    for replica in ran_before:
        if replica.daemon.runs_other_build():
            restart(replica, "its program was built anew")
        elif replica in changed:
            restart(replica, "its configuration changed")
        else:
            say(f"   coordd {replica.number}: runs already, pid {replica.daemon.pid}")
            continue
        cluster.wait_all_vote()
    return len(ran_before) == len(cluster.replicas)


def give_birth(cluster):
    # Until a replica has read its log its figures are all 0, that of births too.
    wait_until("every replica has read its log", 30, lambda: all(
        replica.metrics().get("coord_loop_turns_total", 0) > 0 for replica in cluster.replicas))
    if any(replica.metrics().get("coord_born") == 1 for replica in cluster.replicas):
        say("   it holds a cluster already")
        cluster.wait_all_vote()
        return
    started = time.monotonic()
    cluster.give_birth()
    say(f"   born on coordd 1; all three vote after {milliseconds(time.monotonic() - started)}")


def show_reads(cluster):
    step("Nodes made through one replica are read through the others")
    writer, *readers = cluster.replicas
    made = cluster.coordctl(writer)
    if cluster.coordctl().run("stat", SHOW).code != 0:
        made.run("create", SHOW)
    value = f"written at {time.strftime('%H:%M:%S')}"
    node = made.do("create", "--sequential", f"{SHOW}/node-", value).decode().strip()
    say(f"   coordd {writer.number}: create {node} {value!r}")
    for reader in readers:
        answer = cluster.coordctl(reader).do("get", node).decode()
        say(f"   coordd {reader.number}: get {node} -> {answer!r}")
        if answer != value:
            raise AssertionError(f"coordd {reader.number} answered {answer!r}, not {value!r}")


def measure_write(cluster):
    control = cluster.coordctl()
    times = []
    for number in range(10):
        started = time.monotonic()
        control.do("set", SHOW, str(number))
        times.append(time.monotonic() - started)
    say(f"   a coordctl set, process start and handshake included: "
        f"{milliseconds(sorted(times)[len(times) // 2])} (median of {len(times)})")


def show_failover(cluster):
    step("The leader is killed with -9; writes go on")
    leader = cluster.leader()
    others = [replica for replica in cluster.replicas if replica is not leader]
    control = cluster.coordctl(*others)
    pid = leader.daemon.pid
    leader.daemon.kill()
    killed = time.monotonic()
    say(f"   killed coordd {leader.number} (pid {pid}), which led")
    path = f"{SHOW}/after-{pid}-{time.time_ns()}"
    wait_until("a write succeeds without the old leader", 30,
               lambda: control.run("create", path, "still here", seconds=30).code == 0)
    say(f"   first write through the others after {milliseconds(time.monotonic() - killed)}")
    new = cluster.wait_leader()
    say(f"   coordd {new.number} leads now")
    for number in range(20):
        control.do("create", f"{path}-{number}", str(number))
    say("   20 more nodes created while it was away")
    step(f"coordd {leader.number} comes back and catches up")
    started = time.monotonic()
    leader.start()
    cluster.wait_all_vote()
    answer = cluster.coordctl(leader).do("get", f"{path}-19").decode()
    if answer != "19":
        raise AssertionError(f"coordd {leader.number} answered {answer!r}, not '19'")
    say(f"   it reads the last of them {milliseconds(time.monotonic() - started)} after its start")


def verify(cluster):
    step("It runs already; a look whether it works")
    cluster.wait_all_vote()
    show_reads(cluster)


def exports(cluster):
    """The environment of coordctl as administrator, one export a line, all replicas as endpoints."""
    variables = cluster.as_admin().environment()
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def write_environment(cluster):
    with open(os.path.join(STATE, "env"), "w", encoding="utf-8") as file:
        file.write(exports(cluster))


def tell_next(cluster):
    step("Yours now; type for example")
    coordctl = os.path.relpath(cluster.programs.coordctl, ROOT)
    say(exports(cluster) + f"""
{coordctl} status
{coordctl} create /hello world
{coordctl} get /hello
{coordctl} ls /

The exports are in .dev/env too; read them with: . .dev/env
./dev down stops the cluster.""")


def open_state():
    step("Three replicas on 127.0.0.1, certificates and data under .dev/")
    os.makedirs(STATE, exist_ok=True)
    return make_cluster()


def make_one(cluster, changed):
    """All replicas run, as one cluster; true if all of them ran already."""
    ran_already = bring_up(cluster, changed)
    write_environment(cluster)
    step("One cluster of three")
    give_birth(cluster)
    return ran_already


def up(arguments):
    started = time.monotonic()
    first_time = not os.path.exists(STATE)
    cluster, changed = open_state()
    if make_one(cluster, changed):
        verify(cluster)
    else:
        show_reads(cluster)
        measure_write(cluster)
        if first_time and not arguments.no_tour:
            play(cluster, EXAMPLES)  # in which the leader is killed too
        else:
            show_failover(cluster)
    say(f"\nUp and checked in {time.monotonic() - started:.1f} s")
    tell_next(cluster)


def tour(arguments):
    """On the cluster that runs, or on one that runs for as long as the tour."""
    cluster, changed = open_state()
    ran_before = cluster.running()
    try:
        make_one(cluster, changed)
        play(cluster, EXAMPLES, arguments.acts)
    finally:
        for replica in cluster.running():
            if replica not in ran_before:
                replica.daemon.stop()


def down(arguments):
    if not os.path.isdir(STATE):
        say("there is no .dev/: nothing to stop")
        return
    cluster, _ = make_cluster()
    for replica in cluster.running():
        say(f"stopping coordd {replica.number} (pid {replica.daemon.pid})")
        replica.daemon.stop()
    if arguments.wipe:
        shutil.rmtree(STATE)
        say("removed .dev/")
    else:
        say("none runs; data and certificates stay in .dev/ (./dev down --wipe removes them)")


def act_name(text):
    if text not in NAMES:
        raise argparse.ArgumentTypeError(f"no act {text!r}; there are {', '.join(NAMES)}")
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    up_parser = commands.add_parser("up")
    up_parser.add_argument("--no-tour", action="store_true")
    up_parser.set_defaults(run=up)
    tour_parser = commands.add_parser("tour")
    tour_parser.add_argument("acts", nargs="*", metavar="ACT", type=act_name)
    tour_parser.set_defaults(run=tour)
    down_parser = commands.add_parser("down")
    down_parser.add_argument("--wipe", action="store_true")
    down_parser.set_defaults(run=down)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except (AssertionError, RuntimeError, NotInTime, OSError) as error:
        print(f"./dev: {error}", file=sys.stderr)
        print("./dev: the logs are .dev/coordd-*/log", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
