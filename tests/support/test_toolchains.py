#!/usr/bin/env python3
"""A missing toolchain is skipped by name, and a failure under CI."""

import os
import tempfile
import unittest
from unittest import mock

import toolchains


class Need(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(os.rmdir, self.folder)

    def need(self, *programs, **environment):
        """With an empty PATH."""
        with mock.patch.dict(os.environ, {"PATH": self.folder, **environment}):
            toolchains.need(*programs)

    def test_missing_is_skipped_by_name(self):
        with self.assertRaisesRegex(unittest.SkipTest, "cargo is not in PATH; it is the Rust"):
            self.need("cargo", CI="")

    def test_missing_is_a_failure_under_ci(self):
        with self.assertRaisesRegex(AssertionError, "mvn is not in PATH"):
            self.need("mvn", CI="true")

    def test_what_is_there_is_used(self):
        with mock.patch("shutil.which", return_value="there"):
            self.need(*toolchains.TOOLCHAINS, CI="true")

    def test_cache_folder_is_where_it_is_said_to_be(self):
        with tempfile.TemporaryDirectory() as folder:
            with mock.patch.dict(os.environ, {"COORD_CACHE": folder}):
                self.assertEqual(toolchains.cache_folder("helm-1"), os.path.join(folder, "helm-1"))
            self.assertTrue(os.path.isdir(os.path.join(folder, "helm-1")))


if __name__ == "__main__":
    unittest.main()
