#!/usr/bin/env python3
"""coordctl watch: its lines, where it goes on, and what it says where something is missing."""

import json
import re
import signal

import harness


class WatchTest(harness.ClusterTest):
    def setUp(self):
        self.control = self.cluster.coordctl()

    def watch(self, *arguments, control=None):
        """A watch that is set."""
        running = (control or self.control).start("watch", *arguments)
        self.addCleanup(running.end)
        running.wait_lines(1)
        return running

    @staticmethod
    def told(watch):
        """What came behind the first line; bookmarks come between whenever nothing happens."""
        return [line for line in list(watch.lines)[1:]
                if not re.search(' bookmark: |"kind": ?"BOOKMARK"', line)]

    def wait_behind(self, watch, count):
        harness.wait_until(f"{count} lines but for bookmarks", 30,
                           lambda: len(self.told(watch)) >= count)


class Lines(WatchTest):
    REPLICAS = 1

    def zxid(self, path):
        return json.loads(self.control.do("stat", "-o", "json", path))["mzxid"]

    def test_one_line_a_change(self):
        self.control.do("create", "/plain")
        watch = self.watch("-r", "/plain", "--count", "5")
        self.control.do("set", "/plain", "x")
        first = self.zxid("/plain")
        self.control.do("txn", "then", "create /plain/a", "create /plain/b")
        self.control.do("rm", "/plain/a")
        self.cluster.as_admin().do("acl", "set", "/plain", "anyone:rwcd")
        self.assertEqual(watch.wait(), 0)
        self.assertRegex(watch.lines[0], "^0x[0-9a-f]+ set: ")
        self.assertEqual(self.told(watch), [
            f"{first:#x} changed /plain", f"{first + 1:#x} created /plain/a",
            f"{first + 1:#x} created /plain/b", f"{first + 2:#x} deleted /plain/a",
            f"{first + 3:#x} acl_changed /plain"])
        self.assertEqual(watch.err, "")

    def test_each_line_comes_at_once(self):
        self.control.do("create", "/soon")
        watch = self.watch("/soon")
        for number in range(1, 4):
            self.control.do("set", "/soon", str(number))
            self.wait_behind(watch, number)
        watch.signal(signal.SIGINT)
        self.assertEqual(watch.wait(), -signal.SIGINT)

    def test_without_recursive_it_is_the_node_alone(self):
        watch = self.watch("/alone", "--count", "2")
        self.control.do("create", "/alone")
        self.control.do("create", "/alone/child")
        self.control.do("rm", "-r", "/alone")
        self.assertEqual(watch.wait(), 0)
        self.assertEqual([line.split(" ", 1)[1] for line in self.told(watch)],
                         ["created /alone", "deleted /alone"])

    def test_values(self):
        plain = self.watch("/values", "--values", "--count", "4")
        as_json = self.watch("/values", "--values", "--count", "4", "-o", "json")
        self.control.do("create", "/values", "a \"b\"")
        self.control.do("set", "/values", "-", data=b"\xff")
        self.control.do("set", "/values", "-", data=b"line\nline")
        self.control.do("rm", "/values")
        self.assertEqual((plain.wait(), as_json.wait()), (0, 0))
        self.assertEqual([line.split(" ", 1)[1] for line in self.told(plain)], [
            'created /values "a \\"b\\""', 'changed /values base64:/w== was "a \\"b\\""',
            'changed /values "line\\nline" was base64:/w==', 'deleted /values "line\\nline"'])
        events = [json.loads(line) for line in self.told(as_json)]
        self.assertEqual([event["kind"] for event in events],
                         ["CREATED", "CHANGED", "CHANGED", "DELETED"])
        self.assertEqual(events[0]["data"], "a \"b\"")
        self.assertEqual((events[1]["data64"], events[1]["previous_data"]), ("/w==", "a \"b\""))
        self.assertEqual((events[2]["data"], events[2]["previous_data64"]), ("line\nline", "/w=="))
        self.assertEqual(events[3]["data"], "line\nline")
        self.assertEqual([event["stat"]["version"] for event in events], [0, 1, 2, 2])

    def test_from_a_zxid_it_goes_on(self):
        self.control.do("create", "/from")
        for number in range(5):
            self.control.do("set", "/from", str(number))
        created = json.loads(self.control.do("stat", "-o", "json", "/from"))["czxid"]
        whole = self.watch("/from", "--from", f"{created:#x}", "--count", "5")
        self.assertEqual(whole.wait(), 0)
        rest = self.watch("/from", "--from", self.told(whole)[2].split()[0], "--count",
                          "2")
        self.assertEqual(rest.wait(), 0)
        self.assertEqual(self.told(rest), self.told(whole)[3:5])
        as_json = self.watch("/from", "--from", str(created), "--count", "5", "-o", "json")
        self.assertEqual(as_json.wait(), 0)
        zxids = [json.loads(line)["zxid"] for line in self.told(as_json)]
        self.assertEqual([f"{zxid:#x}" for zxid in zxids],
                         [line.split()[0] for line in self.told(whole)])

    def test_bookmarks_come_while_nothing_happens(self):
        self.control.do("create", "/quiet")
        watch = self.watch("/quiet", "-o", "json")
        self.control.do("create", "/loud")
        created = self.zxid("/loud")
        harness.wait_until("a bookmark of what came elsewhere", 60, lambda: any(
            line["kind"] == "BOOKMARK" and line["zxid"] >= created
            for line in map(json.loads, watch.lines)))
        self.assertEqual({json.loads(line)["kind"] for line in watch.lines}, {"SET", "BOOKMARK"})


class MissingHistory(WatchTest):
    REPLICAS = 1
    DATA_BYTES = 400000

    @classmethod
    def before_start(cls):
        for replica in cls.cluster.replicas:
            replica.settings["history_bytes"] = "1MiB"
            replica.write_settings()

    def test_what_is_no_longer_known_is_said(self):
        self.control.do("create", "/big")
        created = json.loads(self.control.do("stat", "-o", "json", "/big"))["czxid"]
        for _ in range(8):
            self.control.do("set", "/big", "-", data=b"x" * self.DATA_BYTES)
        before = json.loads(self.control.do("stat", "-o", "json", "/big"))["mzxid"]
        plain = self.watch("/big", "--from", str(created), "--count", "1")
        as_json = self.watch("/big", "--from", str(created), "--count", "1", "-o", "json")
        self.wait_behind(plain, 1)
        self.wait_behind(as_json, 1)
        self.control.do("set", "/big", "after")
        self.assertEqual((plain.wait(), as_json.wait()), (0, 0))
        kinds = [json.loads(line) for line in self.told(as_json)]
        self.assertEqual([line["kind"] for line in kinds], ["RESYNC", "CHANGED"])
        self.assertEqual(kinds[0], {"kind": "RESYNC", "after_zxid": created,
                                    "complete_from_zxid": before})
        self.assertEqual(kinds[1]["zxid"], before + 1)
        resync = next(line for line in plain.lines if " resync" in line)
        self.assertIn(f"{before:#x} resync: changes after {created:#x} ", resync)


class SlowReader(WatchTest):
    """A reader that is stopped while more comes than its replica has on the way to it."""

    REPLICAS = 1
    CHANGES = 24
    DATA_BYTES = 1000000

    def read_flood(self):
        """What a watch printed that was stopped during CHANGES changes of /flood and one more."""
        self.control.do("create", "/flood")
        watch = self.watch("/flood", "--values", "-o", "json")
        watch.signal(signal.SIGSTOP)
        for number in range(self.CHANGES):
            self.control.do("set", "/flood", "-", data=b"%07d" % number + b"x" * self.DATA_BYTES)
        watch.signal(signal.SIGCONT)
        last = json.loads(self.control.do("stat", "-o", "json", "/flood"))["mzxid"]
        self.wait_told(watch, last)
        self.control.do("set", "/flood", f"{self.CHANGES:07}")
        self.wait_told(watch, last + 1)
        return [line for line in map(json.loads, watch.lines) if line["kind"] != "BOOKMARK"]

    def wait_told(self, watch, zxid):
        """Until the change with that zxid came, or was said to be missing."""
        harness.wait_until("the last change came", 120, lambda: any(
            line["kind"] == "CHANGED" and line["zxid"] == zxid
            or line["kind"] == "RESYNC" and line["complete_from_zxid"] >= zxid
            for line in map(json.loads, list(watch.lines))))

    def test_nothing_is_lost(self):
        # LAGGED says that some of it was sent again, not that anything is missing.
        lines = [line for line in self.read_flood() if line["kind"] != "LAGGED"]
        self.assertEqual([line["kind"] for line in lines],
                         ["SET"] + ["CHANGED"] * (self.CHANGES + 1))
        self.assertEqual([int(line["data"][:7]) for line in lines[1:]],
                         list(range(self.CHANGES + 1)))


class TooSlowReader(SlowReader):
    """The same, while its replica keeps less than it misses: what is missing is said.

    However long the changes take, its connection is not given up meanwhile for its silence.
    """

    @classmethod
    def before_start(cls):
        for replica in cls.cluster.replicas:
            replica.settings["history_bytes"] = "1MiB"
            replica.settings["client_keepalive_ms"] = 3600000
            replica.write_settings()

    def test_nothing_is_lost(self):
        lines = self.read_flood()
        kinds = [line["kind"] for line in lines]
        self.assertIn("LAGGED", kinds)
        self.assertIn("RESYNC", kinds)
        came = lines[0]["complete_from_zxid"]
        for line in lines[1:]:
            if line["kind"] == "CHANGED":
                self.assertEqual(line["zxid"], came + 1)
                came = line["zxid"]
            elif line["kind"] == "RESYNC":
                self.assertEqual(line["after_zxid"], came)
                self.assertGreater(line["complete_from_zxid"], came)
                came = line["complete_from_zxid"]
            else:
                self.assertEqual(line, {"kind": "LAGGED", "after_zxid": came})
        self.assertEqual(kinds[-1], "CHANGED")


class OtherReplica(WatchTest):
    def test_it_goes_on_where_its_replica_dies(self):
        self.control.do("create", "/moved")
        watch = self.watch("/moved")
        serving = harness.wait_until("one serves the stream", 30, lambda: next(
            (each for each in self.cluster.replicas if each.metrics().get("coord_watches")), None))
        self.control.do("set", "/moved", "before")
        self.wait_behind(watch, 1)
        serving.daemon.kill()
        self.cluster.wait_leader()  # a write without a session may be lost with the old one
        self.control.do("set", "/moved", "after")
        self.wait_changes(watch, 2)
        serving.start()
        self.cluster.wait_all_vote()
        self.control.do("set", "/moved", "again")
        self.wait_changes(watch, 3)

    def wait_changes(self, watch, count):
        """So many, and none of them twice."""
        def changes():
            return [line for line in self.told(watch) if " changed " in line]
        harness.wait_until(f"{count} changes", 60, lambda: len(set(changes())) >= count)
        self.assertEqual(len(changes()), count)


if __name__ == "__main__":
    harness.main()
