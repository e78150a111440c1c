#!/usr/bin/env python3
"""The contract is guarded: its lint, what has been promised, and that C++ can be generated from it."""

import os
import shutil
import subprocess
import tempfile
import unittest

import harness
import readme

ADDED = "\n  // New.\n  uint64 added = 100;\n}\n"


class Guard(unittest.TestCase):
    """On a copy of proto/, for what is planted there."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="coord-test-")
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        shutil.copytree(os.path.join(harness.ROOT, "proto"), os.path.join(self.root, "proto"))
        os.makedirs(os.path.join(self.root, "build"))
        os.symlink(os.path.join(harness.ROOT, "build", "node"),
                   os.path.join(self.root, "build", "node"))

    def run_here(self, *command):
        return subprocess.run(command, cwd=self.root, capture_output=True, text=True, timeout=60,
                              check=False)

    def lint(self):
        return self.run_here("build/node/node_modules/.bin/buf", "lint", "proto")

    def contract(self, *options):
        return self.run_here("proto/contract.sh", *options)

    def change(self, file, old, new):
        path = os.path.join(self.root, "proto", file)
        with open(path, encoding="utf-8") as opened:
            text = opened.read()
        self.assertEqual(text.count(old), 1, f"{old} in {file}")
        with open(path, "w", encoding="utf-8") as opened:
            opened.write(text.replace(old, new))

    def assert_fails(self, done, *words):
        self.assertNotEqual(done.returncode, 0, done)
        for word in words:
            self.assertIn(word, done.stdout + done.stderr)

    def test_it_is_clean_and_kept(self):
        done = self.lint()
        self.assertEqual((done.returncode, done.stdout), (0, ""), done)
        done = self.contract("--check")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), done)

    def test_lint_finds_a_bad_name(self):
        self.change("coord/v1/admin.proto", "uint32 alpha = 1;", "uint32 Alpha = 1;")
        self.assert_fails(self.lint(), "admin.proto", "lower_snake_case")

    def test_what_breaks_clients_is_refused(self):
        self.change("coord/v1/admin.proto", "uint32 alpha = 1;", "uint32 alpha = 2;")
        for options in ([], ["--check"]):
            self.assert_fails(self.contract(*options), "admin.proto", "alpha", "undo that")

    def test_what_breaks_files_on_disk_is_refused(self):
        self.change("coord/storage/v1/record.proto", "uint64 chosen_slot = 1;", "uint64 chosen_slot = 9;")
        self.assert_fails(self.contract(), "record.proto", "undo that")

    def test_a_mistake_in_it_is_no_break(self):
        self.change("coord/storage/v1/record.proto", "uint64 chosen_slot = 1;", "uin64 chosen = 1;")
        done = self.contract()
        self.assert_fails(done, "record.proto", "uin64")
        self.assertNotIn("undo that", done.stderr)

    def test_additions_are_taken_in_and_then_kept(self):
        """A field that was taken in cannot go again."""
        path = "coord/v1/admin.proto"
        self.change(path, "  uint32 alpha = 1;\n}\n", "  uint32 alpha = 1;" + ADDED)
        self.assert_fails(self.contract("--check"), "additions", "./dev contract")
        self.assertEqual(self.contract().returncode, 0)
        self.assertEqual(self.contract("--check").returncode, 0)
        self.change(path, "  uint32 alpha = 1;" + ADDED, "  uint32 alpha = 1;\n}\n")
        self.assert_fails(self.contract(), "added", "undo that")

    def test_unknown_argument(self):
        done = self.contract("--chek")
        self.assertEqual(done.returncode, 2)
        self.assertIn("unknown argument --chek", done.stderr)


class Cpp(unittest.TestCase):
    def test_the_page_generates_and_compiles_it(self):
        with tempfile.TemporaryDirectory(prefix="coord-test-") as folder:
            os.symlink(os.path.join(harness.ROOT, "proto"), os.path.join(folder, "proto"))
            _, said, wrong = readme.run(readme.section("proto/README.md", "Generated code"), folder,
                                        dict(os.environ))
            self.assertEqual(wrong, [], said)
            symbols = subprocess.run(
                ["nm", "--demangle", os.path.join(folder, "build", "cpp", "coord.grpc.pb.o")],
                check=True, capture_output=True, text=True).stdout
            for method in ("Coordination::Stub::SessionRaw", "Coordination::Stub::Call",
                           "Admin::Stub::Status"):
                self.assertIn(f"T coord::v1::{method}(", symbols)


if __name__ == "__main__":
    harness.main()
