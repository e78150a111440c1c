#!/usr/bin/env python3
"""Caches of the C client equal the tree: under changes, killed leaders, gaps and lost sessions."""

import os
import signal

import harness
from following import SECONDS, Follower, Relay

# Of each of two writers; a program with a sanitizer takes several times as long.
CHANGES = int(os.environ.get("COORD_CHANGES", "400" if os.environ.get("COORD_SANITIZE") else "1000"))
LAGGED, RESYNC = "5", "4"  # of enum coord_watch_item_kind


class Following(harness.ClusterTest):
    """What the classes below share."""

    def setUp(self):
        self.ctl = self.cluster.coordctl()
        self.other = Follower(self)  # it changes the tree, and reads it

    def begin(self, follower, name, path, scope="subtree"):
        self.assertEqual(follower.ask("cache", name, path, scope), "OK")
        self.assertRegex(follower.ask("wait", name, 30000), "^zxid [1-9]")

    def wait_equal(self, follower, name, path):
        """It comes to show what the cluster has."""
        tree = self.other.reads(path)
        harness.wait_until(f"the cache shows {len(tree)} nodes", SECONDS,
                           lambda: follower.shows(name, path) == tree)
        return tree

    def check_smaller_scopes(self, follower, path, tree):
        """Caches c, of the children of `path`, and n, of its child a; counts that neither follows
        are left out."""
        def told(node):
            name, rest = node.split("=")
            data, czxid, mzxid, _, azxid, version = rest.split(",")[:6]
            return name, data, czxid, mzxid, azxid, version
        children = [told(node) for node in tree if node.split("=")[0].count("/") <= 2]
        harness.wait_until("the children are as they are", SECONDS, lambda: [
            told(node) for node in follower.shows("c", path)] == children)
        self.assertEqual(follower.shows("c", path)[0], tree[0], "the counts of the top itself")
        node = [told(each) for each in tree if each.startswith(f"{path}/a=")]
        if node:
            harness.wait_until("the node is as it is", SECONDS, lambda: [
                told(each) for each in follower.shows("n", f"{path}/a")] == node)
        else:
            harness.wait_until("the node is not there", SECONDS, lambda: follower.ask(
                "cached", "n", f"{path}/a").startswith("NO_NODE"))


class Cache(Following):
    def test_a_tree_under_changes_and_killed_leaders(self):
        self.ctl.do("create", "/wild", "top")
        first, second, outside = Follower(self), Follower(self), Follower(self, name_space="/wild")
        self.begin(first, "a", "/wild")
        self.begin(outside, "a", "/")
        self.begin(second, "c", "/wild", "children")
        self.begin(second, "n", "/wild/a", "node")
        writers = [self.other, Follower(self)]
        for number, writer in enumerate(writers):
            writer.say("change", "/wild", number + 1, CHANGES, 30)
        for _ in range(2):
            self.kill_leader()
        late = Follower(self)  # it is filled while changes go on
        self.begin(late, "a", "/wild")
        done = [int(writer.answer(120).split()[1]) for writer in writers]
        self.assertGreater(sum(done), CHANGES // 2, "most of them happened")
        self.ctl.do("create", "/wild/last", "x")
        for follower in (first, late):
            tree = self.wait_equal(follower, "a", "/wild")
        within = [node.replace("/wild", "", 1) if node.startswith("/wild/") else
                  node.replace("/wild", "/", 1) for node in tree]
        harness.wait_until("the namespace shows it too", SECONDS,
                           lambda: outside.shows("a", "/") == within)
        self.check_smaller_scopes(second, "/wild", tree)

    def test_filled_in_pages_while_it_changes(self):
        """What is told between two pages of one state has to be applied behind it."""
        self.ctl.do("create", "/paged", "")
        for number in range(40):
            self.ctl.do("create", f"/paged/{number:02}", "x" * 100000)
        follower = Follower(self)
        self.other.say("burst", "/paged", 250)
        names = "abcdefgh"
        for name in names:
            self.begin(follower, name, "/paged")
        self.assertEqual(self.other.answer(), "done 250")
        for name in names:
            self.wait_equal(follower, name, "/paged")

    def test_what_need_not_be_there(self):
        follower = Follower(self)
        for name, scope in (("s", "subtree"), ("c", "children"), ("n", "node")):
            self.begin(follower, name, "/comes/later", scope)
            self.assertRegex(follower.ask("cached", name, "/comes/later"), "^NO_NODE")
        for number in range(3):  # deleted, and there again
            self.ctl.do("create", "--parents", "/comes/later/x", f"data-{number}")
            self.wait_equal(follower, "s", "/comes/later")
            self.wait_equal(follower, "c", "/comes/later")
            harness.wait_until("the node is there", SECONDS, lambda: follower.shows(
                "n", "/comes/later")[0].startswith("/comes/later="))
            self.assertRegex(follower.ask("cached", "n", "/comes/later/x"), "^NO_NODE")
            self.ctl.do("rm", "--recursive", "/comes")
            for name in "scn":
                harness.wait_until("it is gone", SECONDS, lambda name=name: follower.ask(
                    "cached", name, "/comes/later").startswith("NO_NODE"))
                self.assertRegex(follower.ask("cached", name, "/comes/later/x"), "^NO_NODE")

    def test_changes_wake_up_and_nothing_else_does(self):
        self.ctl.do("create", "--parents", "/calm/a", "1")
        follower = Follower(self)
        self.begin(follower, "a", "/calm")
        self.assertRegex(follower.ask("wait", "a", 200), "^TIMEOUT")
        self.assertEqual(follower.ask("call", "a"), "OK")
        self.assertEqual(follower.ask("called", 10000), "1")  # at first
        self.ctl.do("create", "/calmer", "")
        self.assertRegex(follower.ask("wait", "a", 500), "^TIMEOUT")
        self.assertEqual(follower.ask("called", 0), "0")
        follower.say("wait", "a", "forever")
        self.ctl.do("set", "/calm/a", "2")
        self.assertRegex(follower.answer(), "^zxid")
        self.assertEqual(follower.ask("called", 10000), "1")
        self.assertRegex(follower.ask("wait", "a", 0), "^TIMEOUT")
        self.assertEqual(follower.ask("close", "a"), "OK")
        self.ctl.do("set", "/calm/a", "3")
        self.assertEqual(follower.ask("called", 300), "0")

    def test_a_view_stays_as_it_was(self):
        self.ctl.do("create", "--parents", "/view/a", "1")
        self.ctl.do("create", "/view/b", "2")
        follower = Follower(self)
        self.begin(follower, "a", "/view")
        self.assertEqual(follower.ask("hold", "a", "/view"), "OK")
        held = follower.ask("held")
        self.assertRegex(held, "^[0-9]+ /view/a=1,[^ ]+ /view/b=2,[^ ]+$")
        self.ctl.do("create", "/view/a/c", "3")  # changes counts alone of /view/a
        self.ctl.do("set", "/view/b", "22")
        self.wait_equal(follower, "a", "/view")
        self.assertEqual(follower.ask("held"), held)
        self.ctl.do("rm", "--recursive", "/view")
        harness.wait_until("it is gone", SECONDS, lambda: follower.ask(
            "cached", "a", "/view").startswith("NO_NODE"))
        self.assertEqual(follower.ask("held"), held)
        self.assertEqual(follower.ask("close", "a"), "OK")
        self.assertEqual(follower.ask("held"), held)
        follower.process.end_input()  # the client goes before the view
        self.assertEqual(follower.process.wait(), 0)

    def test_a_transaction_is_seen_whole(self):
        self.ctl.do("create", "/whole", "")
        names = [f"n{number}" for number in range(40)]
        for name in names:
            self.ctl.do("create", f"/whole/{name}", "0")
        follower = Follower(self)
        self.begin(follower, "a", "/whole", "children")
        follower.say("equal", "a", "/whole", "60")
        for number in range(1, 61):
            lines = "".join(f"set /whole/{name} {number}\n" for name in names)
            self.ctl.do("txn", data=f"then\n{lines}".encode())
        self.assertEqual(follower.answer(), "OK")

    def test_more_than_it_may_hold(self):
        self.ctl.do("create", "/large", "")
        follower = Follower(self)
        self.assertEqual(follower.ask("cache", "a", "/large", "subtree", 20000), "OK")
        self.assertRegex(follower.ask("wait", "a", 30000), "^zxid")
        for number in range(3):
            self.ctl.do("create", f"/large/{number}", "x" * 9000)
        while (answer := follower.ask("wait", "a", 10000)).startswith("zxid"):
            pass
        self.assertRegex(answer, "^TOO_LARGE /large .* 20000 bytes")
        shown = follower.ask("cached", "a", "/large")
        self.assertIn(" /large/1=", shown)
        self.ctl.do("create", "/large/later", "")
        self.assertRegex(follower.ask("wait", "a", 500), "^TOO_LARGE")
        self.assertEqual(follower.ask("cached", "a", "/large"), shown)
        self.assertEqual(follower.ask("cache", "b", "/large", "subtree", 20000), "OK")
        self.assertRegex(follower.ask("wait", "b", 10000), "^TOO_LARGE")  # while it is filled
        self.assertRegex(follower.ask("cached", "b", "/large"), "^TOO_LARGE")

    def test_what_may_not_be_read(self):
        follower = Follower(self)
        self.ctl.do("create", "/secret", "")
        self.cluster.as_admin().do("acl", "set", "/secret", "cn:somebody:rwcda")
        self.assertEqual(follower.ask("cache", "a", "/secret", "subtree"), "OK")
        self.assertRegex(follower.ask("wait", "a", 10000), "^PERMISSION_DENIED")
        self.assertEqual(follower.ask("cache", "b", "no-slash", "subtree"),
                         "INVALID_ARGUMENT path: it is no-slash, and must begin with a slash")
        self.assertEqual(follower.ask("cache", "b", "/bad//path", "subtree"), "OK")
        self.assertRegex(follower.ask("wait", "b", 10000), "^INVALID_ARGUMENT")

    def test_what_comes_into_sight(self):
        """An ACL is set above nodes, which have no change of their own."""
        self.ctl.do("create", "--parents", "/sight/hidden/below", "x")
        admin = self.cluster.as_admin()
        admin.do("acl", "set", "/sight/hidden", "cn:somebody:rwcda")
        follower = Follower(self)
        self.begin(follower, "a", "/sight")
        self.assertEqual([node.split("=")[0] for node in follower.shows("a", "/sight")], ["/sight"])
        admin.do("acl", "set", "/sight/hidden", "anyone:rwcda")
        harness.wait_until("it is seen", SECONDS, lambda: [
            node.split("=")[0] for node in follower.shows("a", "/sight")] ==
            ["/sight", "/sight/hidden", "/sight/hidden/below"])

    def test_after_an_expired_session(self):
        self.ctl.do("create", "--parents", "/expired/a", "1")
        follower = Follower(self, timeout_ms=2000)
        self.assertEqual(follower.ask("open"), "OK")
        self.begin(follower, "a", "/expired")
        self.assertEqual(follower.ask("watch", "/expired"), "OK")
        follower.process.signal(signal.SIGSTOP)
        self.ctl.do("rm", "/expired/a")
        self.ctl.do("create", "/expired/b", "2")
        admin = self.cluster.as_admin()  # the only one in this cluster
        self.assertNotEqual(admin.do("session", "list", "-o", "json"), b"")
        harness.wait_until("its session is gone", SECONDS, lambda: admin.do(
            "session", "list", "-o", "json") == b"")
        follower.process.signal(signal.SIGCONT)
        self.wait_equal(follower, "a", "/expired")
        self.assertIn("7", follower.ask("kinds").split())  # the plain watch has ended
        self.ctl.do("create", "/expired/c", "3")
        self.wait_equal(follower, "a", "/expired")

    def test_close_waits_for_nobody(self):
        """Also while no replica answers what it asks."""
        relay = Relay(self)
        relay.say("hole")
        follower = Follower(self, endpoints=relay.endpoints)
        self.assertEqual(follower.ask("cache", "a", "/", "subtree"), "OK")
        self.assertRegex(follower.ask("wait", "a", 300), "^TIMEOUT")
        self.assertRegex(follower.ask("cached", "a", "/"), "^TIMEOUT / was not read yet")
        self.assertEqual(follower.ask("close", "a", seconds=5), "OK")


class Gaps(Following):
    """The history is so short that a follower that was away has to read what changed."""

    @classmethod
    def before_start(cls):
        for replica in cls.cluster.replicas:
            replica.settings["history_bytes"] = "1MiB"
            replica.write_settings()

    def change_much(self, path, seed):
        """More than the history keeps: its nodes are of 20 kB."""
        done = self.other.ask("change", path, seed, 300, 20000, seconds=120)
        self.assertGreater(int(done.split()[1]), 100)

    def follow_all(self, follower):
        self.ctl.run("create", "/gap", "top")
        for name, path, scope in (("s", "/gap", "subtree"), ("c", "/gap", "children"),
                                  ("n", "/gap/a", "node")):
            self.begin(follower, name, path, scope)
        self.assertEqual(follower.ask("watch", "/gap"), "OK")

    def check_all(self, follower):
        self.ctl.run("create", "/gap", "")
        self.ctl.run("create", "/gap/a", "")
        tree = self.wait_equal(follower, "s", "/gap")
        self.check_smaller_scopes(follower, "/gap", tree)
        self.ctl.do("create", "/gap/after", "1")
        self.wait_equal(follower, "s", "/gap")
        self.ctl.do("rm", "--recursive", "/gap/after")
        self.wait_equal(follower, "s", "/gap")

    def test_after_it_was_cut_off(self):
        relay = Relay(self)
        follower = Follower(self, endpoints=relay.endpoints)
        self.follow_all(follower)
        for seed in (1, 2):
            relay.say("cut")
            self.change_much("/gap", seed)
            relay.say("pass")
            self.check_all(follower)
            self.assertIn(RESYNC, follower.ask("kinds").split())

    def test_where_nothing_changed_nobody_is_woken(self):
        self.ctl.do("create", "--parents", "/still/a", "1")
        relay = Relay(self)
        follower = Follower(self, endpoints=relay.endpoints)
        for name, scope in (("s", "subtree"), ("c", "children"), ("n", "node")):
            self.begin(follower, name, "/still", scope)
        self.assertEqual(follower.ask("watch", "/still"), "OK")
        relay.say("cut")
        self.change_much("/elsewhere", 9)
        relay.say("pass")
        harness.wait_until("it is told of a gap", SECONDS,
                           lambda: RESYNC in follower.ask("kinds").split())
        for name in "scn":
            self.assertRegex(follower.ask("wait", name, 500), "^TIMEOUT")
        self.ctl.do("set", "/still", "2")
        for name in "scn":
            self.assertRegex(follower.ask("wait", name, 30000), "^zxid")

    def test_after_the_top_was_deleted_and_made_again(self):
        relay = Relay(self)
        follower = Follower(self, endpoints=relay.endpoints)
        self.follow_all(follower)
        for seed in (4, 5):
            relay.say("cut")
            self.change_much("/gap", seed)
            self.ctl.run("rm", "--recursive", "/gap")
            if seed == 5:
                self.ctl.do("create", "--parents", "/gap/new/deep", "x")
            self.change_much("/elsewhere", seed)
            relay.say("pass")
            if seed == 4:
                harness.wait_until("it is gone", SECONDS, lambda: follower.ask(
                    "cached", "s", "/gap").startswith("NO_NODE"))
            self.check_all(follower)
            self.assertIn(RESYNC, follower.ask("kinds").split())

    def test_after_it_was_too_slow(self):
        """A stopped process reads nothing, until its replica has no room left for it."""
        follower = Follower(self)
        self.follow_all(follower)
        follower.process.signal(signal.SIGSTOP)
        for seed in (6, 7, 8):
            self.change_much("/gap", seed)
        follower.process.signal(signal.SIGCONT)
        self.check_all(follower)
        kinds = follower.ask("kinds").split()
        self.assertTrue(LAGGED in kinds or RESYNC in kinds, kinds)


if __name__ == "__main__":
    harness.main()
