#!/usr/bin/env python3
"""coordctl against three replicas: its commands, its exit codes, and what bad input gets."""

import harness


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


class Unborn(harness.ClusterTest):
    REPLICAS = 1
    BORN = False

    def test_says_what_to_do(self):
        self.assert_refused(self.cluster.coordctl().run("get", "/"), "init")


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
