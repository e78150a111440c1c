#!/usr/bin/env python3
"""libcoord as it is installed: what it exports, and programs of others that build against it.

The commands of the sections "Installing" of libclient/README.md and "Building" of
libclient/examples/README.md are run as they stand there, with another prefix. What is installed is
moved before it is used.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import harness
import readme
from cluster.certificates import Authority

sys.path.insert(0, os.path.join(harness.ROOT, "tests", "lint"))

import source_tree  # noqa: E402  pylint: disable=wrong-import-position

HEADERS = os.path.join(harness.ROOT, "libclient", "include", "coord")
EXAMPLES = os.path.join(harness.ROOT, "libclient", "examples")
PROGRAMS = os.path.join(harness.ROOT, "tests", "integration", "package")
FUNCTION = re.compile(r"\b(coord_\w+)\s*\(")
MARKED = re.compile(r"^COORD_API\b[^;(]*?\b(coord_\w+)\s*\(", re.MULTILINE)
DEPENDENCY = re.compile(r"\((NEEDED|SONAME)\).*\[(.*)\]")


def shown_commands(file, heading):
    """The blocks of commands of a section, in its order."""
    return [block.text for block in readme.section(file, heading)]


def declared_functions():
    """(all functions of the public headers, those that COORD_API marks), sorted."""
    text = "\n".join(source_tree.blank_comments_and_strings(source_tree.read(HEADERS, header))
                     for header in os.listdir(HEADERS))
    return sorted(FUNCTION.findall(text)), sorted(MARKED.findall(text))


def output_of(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="coord-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        cls.prefix = os.path.join(cls.folder, "moved")
        cls.library = os.path.join(cls.prefix, "lib", "libcoord.so")
        cls.sources = os.path.join(cls.folder, "sources")
        shutil.copytree(PROGRAMS, cls.sources)
        # installing, pkg-config, CMake
        cls.install, cls.with_pkg_config, cls.with_cmake = shown_commands(
            "libclient/README.md", "Installing")
        first = os.path.join(cls.folder, "first")
        cls.run_shown(cls.install.replace("build/dev", os.path.abspath(harness.BUILD)), first)
        os.rename(first, cls.prefix)
        # Bound, but nobody listens: it stays refused for as long as the tests last.
        listener = socket.socket()
        cls.addClassCleanup(listener.close)
        listener.bind(("127.0.0.1", 0))
        cls.endpoint = "127.0.0.1:%d" % listener.getsockname()[1]
        cls.identity = Authority(os.path.join(cls.folder, "certificates")).issue("client")

    @classmethod
    def run_shown(cls, commands, prefix, folder=None):
        """Where the programs are; no other package than ours is to be found by pkg-config."""
        environment = dict(os.environ, PKG_CONFIG_LIBDIR=cls.folder, CMAKE_GENERATOR="Ninja")
        done = subprocess.run(["bash", "-euc", commands.replace("/opt/coord", prefix)],
                              cwd=folder or cls.sources, env=environment, check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            raise AssertionError(f"{commands}\n{done.stdout}")

    def dynamic(self, path, kind):
        """The libraries that an ELF file names as what it needs (NEEDED) or is (SONAME)."""
        entries = DEPENDENCY.findall(output_of("readelf", "-d", path))
        return [name for its_kind, name in entries if its_kind == kind]

    def version(self):
        folder = os.path.join(self.prefix, "lib", "pkgconfig")
        return output_of("pkg-config", "--modversion", "libcoord",
                         env=dict(os.environ, PKG_CONFIG_PATH=folder)).strip()

    def assert_works(self, program):
        """It runs, finds libcoord by itself and was linked to nothing of what that needs."""
        path = os.path.join(self.sources, program)
        self.assertEqual(
            [name for name in self.dynamic(path, "NEEDED") if re.search("coord|grpc|proto|ssl", name)],
            self.dynamic(self.library, "SONAME"))
        output = output_of(path, self.endpoint, self.identity.authority, self.identity.certificate,
                           self.identity.key, timeout=60)
        lines = output.splitlines()
        self.assertEqual(len(lines), 3, output)
        self.assertRegex(lines[0], r"^endpoints: INVALID_ARGUMENT: .*nowhere.*host:port")
        self.assertRegex(lines[1], r"^get: UNREACHABLE: .+")
        self.assertRegex(lines[2], r"^status: UNREACHABLE: .+")

    def test_exports_what_the_headers_declare_and_nothing_else(self):
        lines = output_of("nm", "-D", "--defined-only", self.library).splitlines()
        exported = sorted(line.split()[-1] for line in lines)
        declared, marked = declared_functions()
        self.assertGreater(len(marked), 50)
        self.assertEqual(declared, marked)
        self.assertEqual(exported, marked)

    def test_every_header_is_installed(self):
        self.assertEqual(sorted(os.listdir(os.path.join(self.prefix, "include", "coord"))),
                         sorted(os.listdir(HEADERS)))

    def test_soname_has_the_version(self):
        major, minor, _ = self.version().split(".")
        self.assertEqual(self.dynamic(self.library, "SONAME"), [f"libcoord.so.{major}.{minor}"])

    def test_programs_are_installed(self):
        for program in ("coordd", "coordctl"):
            self.assertIn("usage", output_of(os.path.join(self.prefix, "bin", program), "--help"))

    def test_pkg_config(self):
        self.run_shown(self.with_pkg_config, self.prefix)
        self.assert_works("program")
        self.run_shown(self.with_pkg_config.replace("cc -std=c99", "c++ -std=c++11")
                       .replace("program.c", "program.cpp"), self.prefix)
        self.assert_works("program")

    def test_examples(self):
        """By the commands of their README, in C99 and in C11: each file that has a main."""
        folder = os.path.join(self.folder, "examples")
        shutil.copytree(EXAMPLES, folder)
        build, = shown_commands("libclient/examples/README.md", "Building")
        names = [name.removesuffix(".c") for name in os.listdir(EXAMPLES)
                 if name.endswith(".c") and name != "example.c"]
        self.assertGreater(len(names), 2)
        for standard in ("c99", "c11"):
            self.run_shown(build.replace("-std=c99", f"-std={standard}"), self.prefix, folder)
            for name in names:
                program = os.path.join(folder, name)
                self.assertEqual(self.dynamic(program, "NEEDED"),
                                 self.dynamic(self.library, "SONAME") + ["libc.so.6"])
                done = subprocess.run([program], capture_output=True, text=True, check=False)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertRegex(done.stderr, f"^usage: {name} ")
                os.remove(program)

    def test_cmake(self):
        self.run_shown(self.with_cmake, self.prefix)
        self.assert_works("build/program")
        self.assert_works("build/program_cpp")

    def test_cmake_refuses_another_version(self):
        project = os.path.join(self.folder, "wanted")
        os.mkdir(project)
        with open(os.path.join(project, "CMakeLists.txt"), "w", encoding="ascii") as file:
            file.write("cmake_minimum_required(VERSION 3.25)\nproject(wanted LANGUAGES NONE)\n"
                       "find_package(Coord ${WANTED} REQUIRED)\n")
        major, minor, _ = self.version().split(".")
        for wanted, found in ((f"{major}.{minor}", True), (f"{major}.{int(minor) + 1}", False),
                              (f"{int(major) + 1}.0", False)):
            done = subprocess.run(
                ["cmake", "-G", "Ninja", "-S", project, "-B", os.path.join(project, wanted),
                 f"-DWANTED={wanted}", f"-DCMAKE_PREFIX_PATH={self.prefix}"],
                check=False, capture_output=True, text=True)
            self.assertEqual(done.returncode == 0, found, f"{wanted}\n{done.stderr}")


if __name__ == "__main__":
    harness.main()
