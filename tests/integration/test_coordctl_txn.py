#!/usr/bin/env python3
"""coordctl txn: what each kind of line does to a tree, on one replica."""

import json

import harness


class Txn(harness.ClusterTest):
    REPLICAS = 1

    def setUp(self):
        self.control = self.cluster.coordctl()
        self.control.do("create", "/t", "old")
        self.addCleanup(self.control.do, "rm", "-r", "/t")

    def txn(self, *lines):
        return self.control.do("txn", *lines).decode().splitlines()

    def stat(self, path):
        return json.loads(self.control.do("stat", "-o", "json", path))

    def holds(self, compare):
        """Which branch is carried out; nothing else tells."""
        return self.txn(compare, "then", "get /t", "else", "get /t")[0] == "then"

    def test_then_and_else(self):
        lines = ("value /t == old", "then", "set /t new", "else", "get /t")
        self.assertEqual(self.txn(*lines), ["then", "set version 1"])
        self.assertEqual(self.txn(*lines), ["else", 'get "new"'])

    def test_from_standard_input(self):
        script = b'# a remark\n\nexists /t\nthen\n  set /t "two words"\ncreate /t/a\n'
        self.assertEqual(self.control.do("txn", data=script).decode(),
                         "then\nset version 1\ncreate /t/a\n")
        self.assertEqual(self.control.do("get", "/t"), b"two words")

    def test_every_compare(self):
        self.control.do("create", "/t/child")
        self.control.do("set", "/t", "now")
        stat = self.stat("/t")
        for name in ("version", "cversion", "aversion", "czxid", "mzxid", "pzxid", "num_children"):
            value = stat[name]
            for relation, holds in (("==", True), ("!=", False), ("<", False), (">", False)):
                with self.subTest(name=name, relation=relation):
                    self.assertEqual(self.holds(f"{name} /t {relation} {value}"), holds)
            self.assertTrue(self.holds(f"{name} /t < {value + 1}"), name)
            self.assertFalse(self.holds(f"{name} /t == {value + 1}"), name)
            if value > 0:
                self.assertTrue(self.holds(f"{name} /t > {value - 1}"), name)
        for compare, holds in (
                ("exists /t", True), ("missing /t", False), ("exists /t/none", False),
                ("missing /t/none", True), ("value /t == now", True), ("value /t != now", False),
                ("value /t == old", False), ("owner /t == 0", True), ("owner /t != 0", False),
                (f"held /t == {stat['czxid']:#x}", True), (f"held /t != {stat['czxid']}", False),
                (f"held /t == {stat['czxid'] + 1}", False)):
            with self.subTest(compare):
                self.assertEqual(self.holds(compare), holds)

    def test_every_operation(self):
        lines = self.txn(
            "then", "create --parents /t/a/b x", "create --sequential /t/n-", "set /t s",
            "incr --create /t/sum 7", "incr /t/sum -- -2", "check --version 1 /t", "get /t",
            "exists /t/a", "exists /t/none", "ls /t", "rm -r /t/a", "create --container /t/c",
            "create --ttl 90s /t/ttl", "create --if-absent /t/c")
        self.assertEqual(lines, [
            "then", "create /t/a/b", "create /t/n-0000000001", "set version 1", "incr 7", "incr 5",
            "check version 1", 'get "s"', "exists yes", "exists no",
            'ls "a" "n-0000000001" "sum"', "rm 2", "create /t/c", "create /t/ttl", "create /t/c"])
        self.assertEqual(self.stat("/t/c")["kind"], "CONTAINER")
        self.assertEqual(self.stat("/t/ttl")["ttl_ms"], 90000)
        self.assertEqual(self.control.do("get", "/t/sum"), b"5")

    def test_acl_line(self):
        admin = self.cluster.as_admin()
        self.assertEqual(admin.do("txn", "then", "acl /t anyone:r"), b"then\nacl aversion 1\n")
        self.assert_refused(self.control.run("set", "/t", "x"), "permission_denied")
        admin.do("txn", "then", "acl --version 1 /t inherit")
        self.control.do("set", "/t", "x")

    def test_bytes_in_quotes(self):
        self.txn("then", r'set /t "\"\\\n\t\r\xff\x01 "')
        self.assertEqual(self.control.do("get", "/t"), b'"\\\n\t\r\xff\x01 ')
        self.assertEqual(self.txn("then", "get /t"), ["then", "get base64:IlwKCQ3/ASA="])
        self.assertTrue(self.holds(r'value /t == "\"\\\n\t\r\xff\x01 "'))

    def test_nothing_is_done_if_one_is_refused(self):
        result = self.control.run("txn", "then", "set /t new", "rm /t/none")
        self.assert_refused(result, "rm /t/none", "no_node")
        self.assertEqual(self.control.do("get", "/t"), b"old")

    def test_a_compare_without_else_is_named(self):
        result = self.control.run("txn", "exists /t", "version /t == 7", "then", "set /t new")
        self.assert_refused(result, "txn version /t == 7", "compare_failed")

    def test_json(self):
        got = json.loads(self.control.do(
            "txn", "-o", "json", "missing /t", "then", "set /t x", "else", "get /t",
            "incr --create /t/n", "ls /t", "rm /t/n", "exists /t/n", "create /t/m y"))
        results = got.pop("results")
        self.assertEqual(got, {"succeeded": False})
        self.assertEqual([list(result) for result in results],
                         [["get"], ["increment"], ["children"], ["delete"], ["exists"], ["create"]])
        self.assertEqual(results[0]["get"]["data"], "old")
        self.assertEqual(results[1]["increment"]["value"], 1)
        self.assertEqual(results[2]["children"]["children"], [{"name": "n"}])
        self.assertEqual(results[3]["delete"], {"deleted": 1})
        self.assertEqual(results[4]["exists"], {"exists": False})
        self.assertEqual(results[5]["create"]["stat"], self.stat("/t/m"))

    def test_usage(self):
        for lines, words in (
                (("set /t x",), "line 1"), (("exists /t",), 'no line "then"'),
                (("then", "set /t"), "line 2"), (("then", "else", "then"), "line 3")):
            with self.subTest(lines):
                result = self.control.run("txn", *lines)
                self.assertEqual(result.code, self.control.USAGE, result)
                self.assertIn(words, result.err)
        result = self.control.run("txn", data=b"then\nset /t \0\n")
        self.assertEqual(result.code, self.control.USAGE, result)
        self.assertEqual(self.control.do("get", "/t"), b"old")


if __name__ == "__main__":
    harness.main()
