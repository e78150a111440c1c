"""The order of the acts, and the last one: the leader is killed, and all of this goes on."""

import time

from tour.acts import ACTS
from tour.stage import Stage, say

NAMES = [act.name for act in ACTS]


def kill_leader(stage, acts):
    stage.act("The leader replica is killed with -9, and all of this goes on")
    leader = stage.cluster.wait_leader()
    killed = time.monotonic()
    leader.daemon.kill()
    stage.note(killed, f"coordd {leader.number}, which led, is killed with -9")
    try:
        for act in acts:
            act.stir()
        new = stage.cluster.wait_leader(other_than=leader)
        led = time.monotonic()
        stage.note(led, f"coordd {new.number} leads")
        # Backwards: the last one has something to do yet, the others have only to be looked at.
        went_on = [(act.name, act.goes_on(killed, led)) for act in reversed(acts)]
    finally:
        leader.start()
    for line in sorted(line for _, lines in went_on for line in lines):
        stage.quote(line)
    stage.measure("A new leader is seen after", led - killed)
    for name, lines in reversed(went_on):
        stage.measure(f"With a new leader, {name} goes on after", max(lines).time - killed)
    stage.cluster.wait_all_vote()
    say(f"   coordd {leader.number} is back")


def play(cluster, examples, names=()):
    """Plays the acts named, all if none is, and leaves nothing behind. Raises AssertionError."""
    stage = Stage(cluster, examples)
    try:
        stage.open()
        acts = [act(stage) for act in ACTS if not names or act.name in names]
        for act in acts:
            act.play()
        kill_leader(stage, acts)
        stage.dismiss()
    finally:
        stage.close()
    stage.act("What was measured, with sessions of 2 s")
    stage.summary()
