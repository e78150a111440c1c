"""The acts of the tour. Each is played, and shows once more, after the leader was killed, that it
goes on: `stir` begins what only a cluster that works can do, `goes_on` waits for the lines that show
it.
"""

import re
import signal

from cluster.waiting import wait_until
from tour.stage import SECONDS


def number(line, pattern):
    return int(re.search(pattern, line.text).group(1))


def in_pairs(items):
    return list(zip(items, items[1:]))


class Services:
    name = "services"

    def __init__(self, stage):
        self.stage = stage

    def play(self):
        stage = self.stage
        stage.act("Four OrderService instances register, a consumer follows the list; "
                  "one is killed and the list shrinks")
        self.shop = stage.start("order_client", "shop")
        instances = [stage.start("order_service", f"order-{i}", str(8080 + i)) for i in range(1, 5)]
        full = self.shop.wait(
            "4 of OrderService: order-1:8081 order-2:8082 order-3:8083 order-4:8084$")
        choices = self.shop.wait("would call, in turn,", full.time)
        stage.check(len(set(choices.text.split()[-4:])) == 4,
                    f"round-robin goes through all four; but {choices.text}")
        for instance in instances:
            instance.wait("is registered")
        stage.tell(self.shop, *instances)
        killed = instances[1].signal(signal.SIGKILL)
        stage.note(killed, "order-2 is killed with -9")
        shorter = self.shop.wait("3 of OrderService: order-1:8081 order-3:8083 order-4:8084$", killed)
        self.shop.wait("would call", shorter.time)
        stage.tell(self.shop)
        stage.measure("A killed instance is gone from the list after", shorter.time - killed)

    def stir(self):
        self.stage.start("order_service", "order-5", "8085")

    def goes_on(self, killed, _led):
        line = self.shop.wait("4 of OrderService: .*order-5:8085$", killed)
        for each in self.shop.said("of OrderService", killed):
            self.stage.check("order-1:8081 order-3:8083 order-4:8084" in each.text,
                             f"nobody goes from the list meanwhile; but {each.text}")
        return [line]


class Group:
    name = "group"

    def __init__(self, stage):
        self.stage = stage

    def all_see(self, members, names, since=0.0):
        """What each says when it sees it, the last one last."""
        return sorted(member.wait(f"sees {' '.join(names)}$", since) for member in members)

    def play(self):
        stage = self.stage
        stage.act("Members of a group join, leave and crash; all the others see it")
        self.anna, bert, carl = [stage.start("group_member", name)
                                 for name in ("anna", "bert", "carl")]
        self.all_see([self.anna, bert, carl], ["anna", "bert", "carl"])
        stage.tell(self.anna, bert, carl)
        stage.note(bert.signal(signal.SIGTERM), "bert is asked to leave")
        left = bert.wait("leaves").time
        seen = self.all_see([self.anna, carl], ["anna", "carl"], left)[-1]
        stage.tell(self.anna, bert, carl)
        stage.measure("A member that leaves is gone for all after", seen.time - left)
        crashed = carl.signal(signal.SIGKILL)
        stage.note(crashed, "carl is killed with -9")
        seen = self.all_see([self.anna], ["anna"], crashed)[-1]
        stage.tell(self.anna)
        stage.measure("A member that crashes is gone for all after", seen.time - crashed)

    def stir(self):
        self.dora = self.stage.start("group_member", "dora")

    def goes_on(self, killed, _led):
        return self.all_see([self.anna, self.dora], ["anna", "dora"], killed)


class Masters:
    name = "masters"
    WORK = r"invoice (\d+)"

    def __init__(self, stage):
        self.stage = stage

    def candidates(self):
        return len(self.stage.control.run("ls", self.stage.path("/billing/master")).out.split())

    def stand(self, name, **options):
        """A job that stands for the office behind those before it."""
        before = self.candidates()
        job = self.stage.start("master_job", name, **options)
        wait_until(f"{name} stands", SECONDS, lambda: self.candidates() > before)
        return job

    def play(self):
        self.relay, behind = self.stage.relay()
        self.first = self.stand("job-1")
        self.second = self.stand("job-2", endpoints=behind)
        self.third = self.stand("job-3")
        self.play_kill()
        self.play_cut()

    def play_kill(self):
        stage = self.stage
        stage.act("Three jobs elect a master; it is killed and the next one takes over")
        self.first.wait(self.WORK)
        stage.tell(self.first, self.second, self.third)
        killed = self.first.signal(signal.SIGKILL)
        stage.note(killed, "job-1 is killed with -9")
        start = self.second.wait("is master", killed)
        work = self.second.wait(self.WORK, killed)
        stage.tell(self.first, self.second, self.third)
        stage.check(not self.third.said("is master"), "job-3 waits for its turn")
        stage.check(number(work, self.WORK) > number(self.first.said(self.WORK)[-1], self.WORK),
                    "invoices go on where the first master was")
        stage.measure("After a master was killed the next one starts after", start.time - killed)

    def play_cut(self):
        stage = self.stage
        stage.act("A master is cut off from the cluster; it stops before the next one starts")
        cut = stage.command(self.relay, "cut")
        stage.note(cut, "job-2's connections to all replicas are cut")
        stops = self.second.wait("SUSPECT, pauses", cut)
        start = self.third.wait("is master", cut)
        lost = self.second.wait("LOST", cut)
        self.third.wait(self.WORK, start.time)
        stage.tell(self.second, self.third)
        last = max(stops, *self.second.said(self.WORK))
        stage.check(last.time < start.time, "job-2 has stopped when job-3 starts")
        stage.measure("A master that is cut off stops after", stops.time - cut)
        stage.measure("The next one starts after", start.time - cut)
        stage.measure("Margin between the two", start.time - last.time)
        stage.note(stage.command(self.relay, "pass"), "job-2 may reach the replicas again")
        self.second.wait("stands", lost.time)

    def stir(self):
        pass

    def goes_on(self, killed, led):
        line = self.third.wait(self.WORK, led)
        self.stage.check(len(self.third.said("is master")) == 1, "job-3 is the same master as before")
        self.stage.check(not self.second.said("is master", killed), "and the only one")
        return [line]


class FairLock:
    name = "fair-lock"
    TURN_MS = 150
    PAGES = 3

    def __init__(self, stage):
        self.stage = stage

    def turns(self):
        """(start, end, fence, page) of each turn that is over, in the order of starts."""
        found = []
        for worker in self.workers:
            for end in worker.said("is done"):
                start = [line for line in worker.said("has the printer") if line.time < end.time][-1]
                found.append((start.time, end.time, number(start, r"fence (\d+)"),
                              number(end, r"page (\d+)")))
        return sorted(found)

    def check_turns(self):
        turns = self.turns()
        for before, after in in_pairs(turns):
            self.stage.check(before[1] <= after[0], "nobody has the printer before it is free")
            self.stage.check(before[2] < after[2], "it goes round in the order of asking")
            self.stage.check(before[3] < after[3], "pages are numbered in that order")
        return turns

    def play(self):
        stage = self.stage
        stage.act("Workers take a fair lock in turn")
        self.workers = [stage.start("fair_worker", f"worker-{i}", str(self.TURN_MS))
                        for i in (1, 2, 3)]
        wait_until("each worker has printed", SECONDS, lambda: all(
            len(worker.said("is done")) >= self.PAGES for worker in self.workers))
        stage.tell(*self.workers, without="asks")
        handed = sorted(after[0] - before[1] for before, after in in_pairs(self.check_turns()))
        stage.measure("A lock goes on to the next worker within (median)",
                      handed[len(handed) // 2])

    def stir(self):
        pass

    def goes_on(self, _killed, led):
        lines = [worker.wait("is done", led) for worker in self.workers]
        self.check_turns()
        return lines


class TryLock:
    name = "try-lock"

    def __init__(self, stage):
        self.stage = stage

    def refused(self, job):
        line = job.wait("refused, it runs as report-1$")
        self.stage.check(job.running.wait(SECONDS) == 3, f"{job.name} ends with exit code 3")
        return line

    def play(self):
        stage = self.stage
        stage.act("A job that must not run twice: the second one is refused")
        self.holder = stage.start("single_job", "report-1")
        self.holder.wait("runs, fence")
        second = stage.start("single_job", "report-2")
        self.refused(second)
        stage.tell(self.holder, second)

    def stir(self):
        self.late = self.stage.start("single_job", "report-3")

    def goes_on(self, killed, _led):
        line = self.refused(self.late)
        self.stage.check(not self.holder.said("LOST", killed), "report-1 still has its lock")
        return [line]


class Configuration:
    name = "configuration"
    NODE = "/config/rate"

    def __init__(self, stage):
        self.stage = stage

    def all_show(self, value):
        return sorted(watcher.wait(f"is {value} ") for watcher in self.watchers)

    def play(self):
        stage = self.stage
        stage.act("A configuration value changes, and every watcher shows it")
        self.watchers = [stage.start("config_watcher", f"watcher-{i}") for i in (1, 2, 3)]
        for watcher in self.watchers:
            watcher.wait("is not there")
        stage.control.do("create", "--parents", stage.path(self.NODE), "100")
        self.all_show("100")
        stage.tell(*self.watchers)
        changed = stage.call("set", stage.path(self.NODE), "200")
        stage.note(changed, f"coordctl set {self.NODE} 200")
        seen = self.all_show("200")[-1]
        stage.tell(*self.watchers)
        stage.measure("Every watcher shows a new value after (start of coordctl included)",
                      seen.time - changed)

    def stir(self):
        pass

    def goes_on(self, _killed, _led):
        """coordctl has no session for this, so it may not know whether it was done: once more."""
        words = "set", self.stage.path(self.NODE), "300"
        wait_until("a value is set", SECONDS, lambda: self.stage.control.run(*words).code == 0)
        return self.all_show("300")


ACTS = (Services, Group, Masters, FairLock, TryLock, Configuration)
