#!/usr/bin/env python3
"""coordctl against three replicas: commands on nodes, exit codes, and what bad input gets.

Its other commands are in test_coordctl_txn.py, _watch.py, _sessions.py; its help in _help.py.
"""

import base64
import json

import harness
from cluster.terminal import Terminal


class Commands(harness.ClusterTest):
    def setUp(self):
        self.control = self.cluster.coordctl()

    def test_create_and_get_bytes_alone(self):
        data = bytes(range(256))
        self.control.do("create", "/bytes", "-", data=data)
        self.assertEqual(self.control.do("get", "/bytes"), data)

    def test_create_without_data(self):
        self.control.do("create", "/empty")
        self.assertEqual(self.control.do("get", "/empty"), b"")

    def test_written_through_one_read_through_the_others(self):
        one, two, three = self.cluster.replicas
        self.cluster.coordctl(one).do("create", "/shared", "by one")
        self.assertEqual(self.cluster.coordctl(two).do("get", "/shared"), b"by one")
        self.cluster.coordctl(two).do("set", "/shared", "by two")
        self.assertEqual(self.cluster.coordctl(three).do("get", "/shared"), b"by two")
        self.cluster.coordctl(three).do("rm", "/shared")
        self.assert_refused(self.cluster.coordctl(one).run("get", "/shared"), "does not exist")

    def test_a_namespace(self):
        def inside(*words):
            return self.control.do(*words, "--namespace", "/space/a").decode().strip()
        self.control.do("create", "/space/a", "root", "--parents")
        self.assertEqual(inside("get", "/"), "root")
        self.assertEqual(inside("create", "/n-", "1", "--sequential"), "/n-0000000000")
        self.assertEqual(inside("ls", "/"), "n-0000000000")
        self.assertEqual(inside("ls", "-R", "/").split(), ["/", "/n-0000000000"])
        self.assertEqual(inside("set", "/n-0000000000", "2"), "")
        self.assertEqual(self.control.do("get", "/space/a/n-0000000000"), b"2")
        watched = self.control.start("watch", "/", "--recursive", "--count", "1",
                                     "--namespace", "/space/a")
        self.addCleanup(watched.end)
        def told():
            self.control.do("set", "/space/a/n-0000000000", "3")
            return watched.ended()
        harness.wait_until("the change is told", 30, told)
        self.assertEqual(watched.wait(), 0)
        self.assertIn(" /n-0000000000", watched.lines[-1])
        self.assert_refused(self.control.run("get", "n", "--namespace", "/space"), "slash")
        self.assert_refused(self.control.run("get", "/space", "--namespace", "/space"),
                            "does not exist")
        self.assertEqual(self.control.run("get", "/", "--namespace", "space/").code, 2)

    def test_ls(self):
        self.control.do("create", "/ls")
        for name in ("c", "a", "b"):
            self.control.do("create", f"/ls/{name}")
        self.assertEqual(self.control.do("ls", "/ls").split(), [b"a", b"b", b"c"])

    def test_ls_of_more_than_one_page(self):
        self.control.do("create", "/many")
        names = [f"n{number:04}" for number in range(60)]
        for name in names:
            self.control.do("create", f"/many/{name}", "x" * 100000)
        self.assertEqual(self.control.do("ls", "/many").decode().split(), names)

    def test_stat(self):
        self.control.do("create", "/stat", "12345")
        self.control.do("set", "/stat", "123")
        text = self.control.do("stat", "/stat").decode()
        self.assertRegex(text, r"(?m)^\s*version\W+1$")
        self.assertRegex(text, r"(?m)^\s*data_length\W+3$")

    def test_ls_recursive_is_in_the_order_of_paths(self):
        for path in ("/deep", "/deep/b", "/deep/a", "/deep/a/c", "/deep/a-", "/deeper"):
            self.control.do("create", path)
        paths = ["/deep", "/deep/a", "/deep/a/c", "/deep/a-", "/deep/b"]
        self.assertEqual(self.control.do("ls", "-R", "/deep").decode().split(), paths)
        self.assertEqual(self.control.do("count", "/deep"), b"4\n")
        self.assertEqual(self.control.do("tree", "/deep").decode().split("\n"),
                         ["/deep", "  a", "    c", "  a-", "  b", ""])
        self.assertEqual(self.control.do("tree", "/deep/a").decode(), "/deep/a\n  c\n")

    def test_limit_says_that_there_is_more(self):
        self.control.do("create", "/limit")
        for name in "abc":
            self.control.do("create", f"/limit/{name}")
        for arguments, all_of_them in (("ls", 3), ("ls -R", 4), ("tree", 4)):
            with self.subTest(arguments):
                few = self.control.run(*arguments.split(), "/limit", "--limit", "2")
                self.assertEqual((few.code, len(few.out.split())), (0, 2))
                self.assertIn("there is more", few.err)
                whole = self.control.run(*arguments.split(), "/limit", "--limit", str(all_of_them))
                self.assertEqual((whole.code, len(whole.out.split())), (0, all_of_them))
                self.assertEqual(whole.err, "")

    def test_incr(self):
        self.assert_refused(self.control.run("incr", "/sum"), "does not exist")
        self.assertEqual(self.control.do("incr", "--create", "/sum", "40"), b"40\n")
        self.assertEqual(self.control.do("incr", "/sum"), b"41\n")
        self.assertEqual(self.control.do("incr", "/sum", "--version", "1", "--", "-50"), b"-9\n")
        self.assert_refused(self.control.run("incr", "/sum", "--version", "1"), "version")
        self.control.do("set", "/sum", "text")
        self.assert_refused(self.control.run("incr", "/sum"), "number")

    def test_json(self):
        self.control.do("create", "/json", "gr\u00fcn")
        self.control.do("create", "/json/bytes", "-", data=b"\xff\x00")
        got = json.loads(self.control.do("get", "-o", "json", "/json"))
        stat = json.loads(self.control.do("stat", "-o", "json", "/json"))
        self.assertEqual(got, {"data": "gr\u00fcn", "stat": stat})
        self.assertEqual((stat["data_length"], stat["num_children"], stat["kind"]),
                         (5, 1, "PERSISTENT"))
        self.assertIn(f"czxid = {stat['czxid']:#x}\n", self.control.do("stat", "/json").decode())
        got = json.loads(self.control.do("get", "-o", "json", "/json/bytes"))
        self.assertEqual(base64.b64decode(got["data64"]), b"\xff\x00")
        self.assertNotIn("data", got)
        lines = self.control.do("ls", "-R", "/json", "-o", "json").decode().splitlines()
        self.assertEqual([json.loads(line)["path"] for line in lines], ["/json", "/json/bytes"])
        self.assertEqual(json.loads(lines[1])["stat"], got["stat"])
        line = json.loads(self.control.do("ls", "/json", "-o", "json"))
        self.assertEqual(line, {"name": "bytes", "stat": got["stat"]})

    def json_of(self, *words, control=None):
        return json.loads((control or self.control).do(*words, "-o", "json"))

    def test_json_of_writes(self):
        """Each is the result that it has in a transaction."""
        made = self.json_of("create", "/writes/n-", "1", "--sequential", "--parents")
        self.assertEqual((made["path"], made["created"], made["stat"]["version"]),
                         ("/writes/n-0000000000", True, 0))
        path = made["path"]
        self.assertEqual(self.json_of("create", path, "--if-absent")["created"], False)
        self.assertEqual(self.json_of("set", path, "5")["stat"]["version"], 1)
        self.assertEqual(self.json_of("incr", path, "37")["value"], 42)
        self.assertEqual(self.json_of("count", "/writes"), {"count": 1})
        self.assertEqual(self.json_of("rm", "-r", "/writes"), {"deleted": 2})
        nobody = self.control.run("set", path, "5", "-o", "json")
        self.assertEqual(nobody.out, b"")
        self.assert_refused(nobody, "no_node")
        results = self.json_of("txn", "then", "create /writes", "set /writes 1", "incr /writes",
                               "rm /writes")["results"]
        self.assertEqual([sorted(result) for result in results],
                         [["create"], ["set"], ["increment"], ["delete"]])
        for number, words in enumerate((("create", "/writes"), ("set", "/writes", "1"),
                                        ("incr", "/writes"), ("rm", "/writes"))):
            with self.subTest(words):
                fields, = results[number].values()
                self.assertEqual(sorted(self.json_of(*words)), sorted(fields))

    def test_json_of_tree_is_that_of_ls(self):
        self.control.do("create", "/treed/a", "--parents")
        self.assertEqual(self.control.do("tree", "/treed", "-o", "json"),
                         self.control.do("ls", "-R", "/treed", "-o", "json"))

    def test_json_of_an_ephemeral_node(self):
        made = self.json_of("create", "/briefly", "--ephemeral")
        self.assertEqual(made["path"], "/briefly")
        self.assertNotEqual(made["stat"]["ephemeral_owner"], 0)

    def test_json_of_the_cluster(self):
        admin = self.cluster.as_admin()
        lines = [json.loads(line) for line in admin.do("status", "-o", "json").splitlines()]
        self.assertEqual(sorted(line["node_id"] for line in lines), [1, 2, 3])
        self.assertEqual([line["code"] for line in lines], ["OK"] * 3)
        self.assertEqual(sorted(line["state"] for line in lines), ["FOLLOWER", "FOLLOWER", "LEADER"])
        leader = next(line for line in lines if line["state"] == "LEADER")
        self.assertRegex(leader["cluster_id"], "^[0-9a-f]{32}$")
        self.assertEqual([member["role"] for member in leader["members"]], ["VOTER"] * 3)
        follower = next(line["node_id"] for line in lines if line["state"] == "FOLLOWER")
        self.assertEqual(self.json_of("transfer", str(follower), control=admin),
                         {"leader_id": follower})
        admin.do("create", "/guarded")
        guarded = self.json_of("acl", "set", "/guarded", "anyone:rwcd", control=admin)
        self.assertEqual(guarded["stat"]["aversion"], 1)

    def test_kinds(self):
        self.control.do("create", "/ttl", "--ttl", "90s")
        self.assertRegex(self.control.do("stat", "/ttl").decode(),
                         r"(?m)^kind = ttl\nttl_ms = 90000$")
        self.control.do("create", "/container", "--container")
        self.assertRegex(self.control.do("stat", "/container").decode(), r"(?m)^kind = container$")
        self.assert_refused(self.control.run("create", "/both", "--container", "--ttl", "1s"))

    def test_ttl_and_container_go(self):
        self.control.do("create", "/brief", "--ttl", "300")
        harness.wait_until("a TTL node goes", 30,
                           lambda: "brief" not in self.control.do("ls", "/").decode())

    def test_acl(self):
        admin = self.cluster.as_admin()
        self.control.do("create", "/acl")
        self.control.do("create", "/acl/below", "it")
        text = self.control.do("acl", "get", "/acl/below").decode()
        self.assertEqual(text, "origin = /\naversion = 0\nentry = anyone:rwcd\n")
        self.assert_refused(self.control.run("acl", "set", "/acl", "anyone:r"), "permission_denied")
        admin.do("acl", "set", "/acl", "anyone:r", "uri:spiffe://example/job:rwcda")
        text = self.control.do("acl", "get", "/acl/below").decode()
        self.assertEqual(text, "origin = /acl\naversion = 0\n"
                               "entry = anyone:r\nentry = uri:spiffe://example/job:rwcda\n")
        got = json.loads(self.control.do("acl", "get", "-o", "json", "/acl"))
        self.assertEqual(got["acl"]["entries"][1],
                         {"permissions": 31, "scheme": "uri", "id": "spiffe://example/job"})
        self.assertEqual((got["origin_path"], got["stat"]["aversion"]), ("/acl", 1))
        self.assert_refused(self.control.run("set", "/acl/below", "x"), "permission_denied")
        admin.do("acl", "set", "/acl", "none", "--version", "1")
        self.assert_refused(self.control.run("get", "/acl/below"), "permission_denied")
        self.assert_refused(admin.run("acl", "set", "/acl", "inherit", "--version", "1"), "version")
        admin.do("acl", "set", "/acl", "inherit")
        self.assertEqual(self.control.do("get", "/acl/below"), b"it")

    def test_status_names_all_voters(self):
        text = self.cluster.as_admin().do("status").decode()
        for replica in self.cluster.replicas:
            self.assertIn(str(replica.number), text)
        self.assertIn("leader", text)

    def test_options_instead_of_environment(self):
        identity = self.control.identity
        control = harness.Coordctl(self.programs.coordctl, [], None)
        replica = self.cluster.replicas[0]
        control.do("--endpoints", replica.endpoint, "--cacert", identity.authority,
                   "--cert", identity.certificate, "--key", identity.key, "--timeout", "5s",
                   "ls", "/")


class Refusals(harness.ClusterTest):
    """Exit code 1 and a sentence that says what was wrong."""

    REPLICAS = 1
    DATA_BYTES_MAX = 1024 * 1024
    PATH_BYTES_MAX = 4096

    def setUp(self):
        self.control = self.cluster.coordctl()

    def test_get_of_no_node(self):
        self.assert_refused(self.control.run("get", "/none"), "/none", "does not exist")

    def test_create_twice(self):
        self.control.do("create", "/twice")
        self.assert_refused(self.control.run("create", "/twice"), "exists")

    def test_create_without_parent(self):
        self.assert_refused(self.control.run("create", "/no/parent"), "parent")

    def test_rm_of_a_node_with_children(self):
        self.control.do("create", "/family")
        self.control.do("create", "/family/child")
        self.assert_refused(self.control.run("rm", "/family"), "children")

    def test_root_is_fixed(self):
        self.assert_refused(self.control.run("rm", "/"), "root")

    def test_second_init(self):
        self.assert_refused(self.cluster.as_admin().run("init"), "already")

    def test_init_without_being_admin(self):
        self.assert_refused(self.control.run("init"), "permission_denied", "admins")

    def test_paths_name_their_rule(self):
        for path, rule in (
                ("relative", "begin with a slash"), ("/double//slash", "empty"),
                ("/trailing/", "end with a slash"),
                ("/a/../b", ".."), ("/a/./b", "."), ("/bell\a", "control"),
                (b"/latin\xff", "utf-8"), ("/" + "x" * self.PATH_BYTES_MAX, "4096")):
            with self.subTest(path=path[:20]):
                self.assert_refused(self.control.run("create", path), rule)
                self.assert_refused(self.control.run("get", path), rule)

    def test_longest_path_is_taken(self):
        self.control.do("create", "/" + "x" * (self.PATH_BYTES_MAX - 1))

    def test_oversized_data(self):
        self.control.do("create", "/large", "-", data=b"x" * self.DATA_BYTES_MAX)
        result = self.control.run("set", "/large", "-", data=b"x" * (self.DATA_BYTES_MAX + 1))
        self.assert_refused(result, str(self.DATA_BYTES_MAX), str(self.DATA_BYTES_MAX + 1))
        self.assertEqual(len(self.control.do("get", "/large")), self.DATA_BYTES_MAX)


class AtomicLimit(harness.ClusterTest):
    """A tree of more nodes than one step deletes."""

    REPLICAS = 1
    ATOMIC_NODES = 10000
    LINES = 1000

    def setUp(self):
        self.control = self.cluster.coordctl()
        for first in range(0, self.ATOMIC_NODES, self.LINES):
            lines = [f"create --parents /tree/{number % 7}/{number}"
                     for number in range(first, first + self.LINES)]
            self.control.do("txn", data="\n".join(["then", *lines]).encode())
        self.assertEqual(self.control.do("count", "/tree"), b"%d\n" % (self.ATOMIC_NODES + 7))

    def test_rm_in_steps(self):
        result = self.control.run("rm", "-r", "/tree")
        self.assert_refused(result, "too_many", "10000", "nothing was deleted", "--steps")
        self.assertEqual(self.control.do("count", "/tree"), b"%d\n" % (self.ATOMIC_NODES + 7))
        for words in (("rm", "--steps", "/tree"), ("rm", "-r", "--steps", "/tree", "--version", "0")):
            self.assertEqual(self.control.run(*words).code, 2)
        self.assert_refused(self.control.run("rm", "-r", "--steps", "/"), "root")
        result = self.control.run("rm", "-r", "--steps", "/tree", "-o", "json")
        self.assertEqual((json.loads(result.out), result.err),
                         ({"deleted": self.ATOMIC_NODES + 8}, ""))
        self.assert_refused(self.control.run("stat", "/tree"), "does not exist")
        self.assert_refused(self.control.run("rm", "-r", "--steps", "/tree"), "no_node")

    def test_flat_and_deep(self):
        """What is large below the first level, and a node with more children than a page."""
        for first in range(0, self.ATOMIC_NODES, self.LINES):
            lines = [f"create --parents /tree/large/flat/{number}"
                     for number in range(first, first + self.LINES)]
            self.control.do("txn", data="\n".join(["then", *lines]).encode())
        done = json.loads(self.control.do("rm", "-r", "--steps", "/tree", "-o", "json"))
        self.assertEqual(done, {"deleted": 2 * self.ATOMIC_NODES + 10})

    def test_progress_is_for_terminals_and_wiped(self):
        result = self.control.run("ls", "-R", "/tree")
        self.assertEqual((result.code, result.err), (0, ""))
        terminal = Terminal([self.control.program, "tree", "/tree"],
                            self.control.whole_environment())
        self.addCleanup(terminal.end)
        self.assertEqual(terminal.wait(), 0)
        self.assertRegex(terminal.bytes, rb"^(\rtree /tree: \d+ lines\x1b\[K)+\r\x1b\[K/tree\r\n")
        terminal = Terminal([self.control.program, "rm", "-r", "--steps", "/tree"],
                            self.control.whole_environment())
        self.addCleanup(terminal.end)
        self.assertEqual(terminal.wait(), 0)
        self.assertRegex(terminal.bytes, rb"^(\rrm /tree: \d+ nodes deleted\x1b\[K)+\r\x1b\[K$")


class Unborn(harness.ClusterTest):
    REPLICAS = 1
    BORN = False

    def test_says_what_to_do(self):
        self.assert_refused(self.cluster.coordctl().run("get", "/"), "init")

    def test_status_and_birth_as_json(self):
        admin = self.cluster.as_admin()
        status = json.loads(admin.do("status", "-o", "json"))
        self.assertEqual((status["code"], status["state"], status["cluster_id"]),
                         ("OK", "EMPTY", ""))
        nobody = f"127.0.0.1:{harness.free_ports(1)[0]}"
        result = admin.run("--endpoints", nobody, "status", "-o", "json", "--timeout", "1s")
        self.assertEqual(result.code, 3, result)
        told = json.loads(result.out)
        self.assertEqual((told["endpoint"], told["code"]), (nobody, "UNREACHABLE"))
        self.assertIn(told["message"], result.err)


class Usage(harness.ClusterTest):
    """Exit code 2, and nothing is asked of any replica."""

    REPLICAS = 1

    def test_usage(self):
        control = self.cluster.coordctl()
        for arguments in ([], ["fly"], ["get"], ["get", "/a", "/b"], ["create"], ["set", "/a"],
                          ["--timeout", "soon", "ls", "/"], ["--timeout"], ["--nonsense", "ls", "/"],
                          ["--endpoints", "", "ls", "/"]):
            with self.subTest(arguments):
                result = control.run(*arguments)
                self.assertEqual(result.code, control.USAGE, result)
                self.assertNotEqual(result.err, "")

    def test_help(self):
        result = self.cluster.coordctl().run("--help")
        self.assertEqual(result.code, 0)
        for command in ("init", "status", "ls", "get", "set", "create", "rm", "stat"):
            self.assertIn(command, result.text)


class NotReachable(harness.ClusterTest):
    """Exit code 3, within the timeout that was asked for."""

    REPLICAS = 1

    def test_nothing_listens(self):
        endpoint = f"127.0.0.1:{harness.free_ports(1)[0]}"
        result = self.cluster.coordctl().run(
            "--endpoints", endpoint, "--timeout", "1s", "ls", "/", seconds=10)
        self.assertEqual(result.code, 3, result)
        self.assertIn(endpoint, result.err)

    def test_one_of_several_is_enough(self):
        dead = f"127.0.0.1:{harness.free_ports(1)[0]}"
        replica = self.cluster.replicas[0]
        self.cluster.coordctl().do("--endpoints", f"{dead},{replica.endpoint}", "ls", "/")


if __name__ == "__main__":
    harness.main()
