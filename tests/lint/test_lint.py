#!/usr/bin/env python3
"""Each checker rejects a violation planted in a tree of its own, and passes the tree without it."""

import os
import subprocess
import tempfile
import unittest

import check_banned
import check_includes
import check_sizes
import check_symbols


class PlantedTree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def plant(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def assert_one(self, problems, *words):
        self.assertEqual(len(problems), 1, problems)
        for word in words:
            self.assertIn(word, problems[0])


class Includes(PlantedTree):
    def reject(self, path, text, *words):
        self.plant(path, text)
        self.assert_one(check_includes.check(self.root), *words)

    def test_downwards_is_allowed(self):
        self.plant("coordd/base/buf.h", "#include <stdint.h>\n")
        self.plant("coordd/paxos/paxos.h", '#include "base/buf.h"\n#include "paxos/ballot.h"\n')
        self.plant("coordd/replica/replica.c", '#include "paxos/paxos.h"\n#include <stdlib.h>\n')
        self.plant("coordd/wire/peer.c", '#include "coord/peer/v1/peer.pb-c.h"\n')
        self.plant("coordd/env/posix.c", "#include <time.h>\n")
        self.assertEqual(check_includes.check(self.root), [])

    def test_upwards(self):
        self.reject("coordd/base/buf.c", '#include "paxos/paxos.h"\n', "base", "not paxos")

    def test_sibling(self):
        self.reject("coordd/paxos/paxos.c", '\n#include "fsm/fsm.h"\n', "paxos.c:2", "not fsm")

    def test_sibling_by_a_detour(self):
        self.plant("coordd/fsm/fsm.h", "\n")
        self.reject("coordd/paxos/paxos.c", '#include "../fsm/fsm.h"\n', "not fsm")

    def test_judge_of_the_simulation(self):
        self.plant("tests/simulation/checkers/durability.c",
                   '#include "checkers/linear.h"\n#include <stdlib.h>\n')
        self.assertEqual(check_includes.check(self.root), [])
        self.reject("tests/simulation/checkers/agreement.c", '#include "base/blob.h"\n',
                    "not base")

    def test_external_library_of_another_folder(self):
        self.reject("coordd/replica/replica.c", "#include <grpc/grpc.h>\n", "transport")

    def test_protobuf_outside_wire(self):
        self.reject("coordd/server/wiring.c", "#include <protobuf-c/protobuf-c.h>\n", "wire")

    def test_clock_in_a_pure_module(self):
        self.reject("coordd/fsm/tree.c", "#include <time.h>\n", "fsm", "time.h")

    def test_unknown_header(self):
        self.reject("coordd/fsm/tree.c", "#include <curl/curl.h>\n", "does not know")

    def test_folder_without_a_line(self):
        self.reject("coordd/extra/extra.c", "int extra;\n", "no line")

    def test_comment_is_no_include(self):
        self.plant("coordd/paxos/paxos.c", '/*\n#include "fsm/fsm.h"\n*/\n')
        self.assertEqual(check_includes.check(self.root), [])

    def test_link(self):
        self.reject("coordd/paxos/CMakeLists.txt",
                    "coord_module(paxos\n  SOURCES paxos.c\n  DEPENDS base fsm)\n",
                    "must not link fsm")

    def test_table_with_a_cycle(self):
        self.plant("table", "module a a : b\nmodule b b : a\n")
        with self.assertRaises(ValueError):
            check_includes.read_table(os.path.join(self.root, "table"))


class Symbols(PlantedTree):
    LIBRARIES = ("base", "paxos", "fsm")

    def build(self, **sources):
        """Makes the three libraries, each of one file, from `sources` or a harmless line."""
        for library in self.LIBRARIES:
            folder = os.path.join(self.root, library)
            self.plant(f"{library}/{library}.c", sources.get(library, f"int {library};\n"))
            subprocess.run(["cc", "-O1", "-c", f"{library}.c"], cwd=folder, check=True)
            subprocess.run(["ar", "rc", f"libcoord_{library}.a", f"{library}.o"], cwd=folder,
                           check=True)
        return check_symbols.check(self.root)

    def reject(self, statement, symbol):
        source = ("#include <stdio.h>\n#include <stdlib.h>\n#include <time.h>\n"
                  "#include <pthread.h>\nlong planted(void);\n"
                  f"long planted(void) {{ return (long)({statement}); }}\n")
        self.assert_one(self.build(paxos=source), "paxos.o", symbol)

    def test_memory_functions_and_base_are_allowed(self):
        self.assertEqual(self.build(
            base="int cd_one(void); int cd_one(void) { return 1; }\n",
            fsm="#include <string.h>\nint cd_one(void);\n"
                "int two(char *a, const char *b, unsigned long n);\n"
                "int two(char *a, const char *b, unsigned long n)"
                "{ memcpy(a, b, n); return cd_one(); }\n"), [])

    def test_clock(self):
        self.reject("time(NULL)", "time")

    def test_thread(self):
        self.reject("pthread_self()", "pthread_self")

    def test_randomness(self):
        self.reject("rand()", "rand")

    def test_output(self):
        self.reject('puts("x")', "puts")

    def test_allocation_past_base(self):
        self.reject("calloc(9, 9)", "calloc")

    def test_sibling(self):
        problems = self.build(
            fsm="int fsm_one(void); int fsm_one(void) { return 1; }\n",
            paxos="int fsm_one(void); int two(void); int two(void) { return fsm_one(); }\n")
        self.assert_one(problems, "fsm_one")

    def test_clock_behind_base(self):
        problems = self.build(
            base="#include <time.h>\nlong cd_now(void); long cd_now(void) { return time(0); }\n")
        self.assert_one(problems, "base.o", "time")

    def test_library_that_was_not_built(self):
        self.assertEqual(len(check_symbols.check(self.root)), len(self.LIBRARIES))


class Sizes(PlantedTree):
    def function(self, lines):
        return "int f(int a,\n      int b)\n{\n" + "    a++;\n" * lines + "}\n"

    def test_at_the_limit(self):
        self.plant("tests/a.c", self.function(check_sizes.FUNCTION_LINES_MAX))
        self.plant("tests/b.c", "\n" * check_sizes.FILE_LINES_MAX)
        self.assertEqual(check_sizes.check(self.root), [])

    def test_long_function(self):
        self.plant("tests/a.c", self.function(check_sizes.FUNCTION_LINES_MAX + 1))
        self.assert_one(check_sizes.check(self.root), "tests/a.c:3", "f has 71 lines")

    def test_long_python_function(self):
        self.plant("tests/a.py", "def f():\n" + "    pass\n" * 71)
        self.assert_one(check_sizes.check(self.root), "a.py:1", "f has 71 lines")

    def test_long_shell_function(self):
        self.plant("dev", "f() {\n" + "    true\n" * 71 + "}\n")
        self.assert_one(check_sizes.check(self.root), "dev:1", "f has 71 lines")

    def test_long_file(self):
        self.plant("tests/a.h", "\n" * (check_sizes.FILE_LINES_MAX + 1))
        self.assert_one(check_sizes.check(self.root), "1001 lines")

    def test_unfinished(self):
        for mark in ("TO" + "DO", "FIX" + "ME"):
            with self.subTest(mark):
                self.plant("tests/a.c", f"\n/* {mark}: later */\n")
                self.assert_one(check_sizes.check(self.root), "a.c:2", mark)

    def test_module_without_readme(self):
        self.plant("coordd/base/a.c", "int a;\n")
        self.assert_one(check_sizes.check(self.root), "coordd/base", "README.md")
        self.plant("coordd/base/README.md", "base\n")
        self.assertEqual(check_sizes.check(self.root), [])


class Banned(PlantedTree):
    def test_each_banned_call(self):
        banned, _ = check_banned.read_table(check_banned.TABLE)
        for name in ("strcpy", "strcat", "sprintf", "strtok", "gmtime", "localtime", "atoi", "rand",
                     "sleep", "assert"):
            self.assertIn(name, banned)
        for name in banned:
            with self.subTest(name):
                self.plant("coordd/base/a.c", f"void f(void)\n{{\n    {name} (x);\n}}\n")
                self.assert_one(check_banned.check(self.root), "a.c:3", name)

    def test_likeness_is_allowed(self):
        self.plant("coordd/base/a.c", (
            '/* strcpy(a, b) */ const char *s = "rand()";\n'
            "_Static_assert(1, \"\"); int n = snprintf(0, 0, 0) + my_rand() + x->sleep();\n"))
        self.assertEqual(check_banned.check(self.root), [])

    def test_exception_is_for_its_file_only(self):
        self.plant("coordd/base/memory.c", "void *p = malloc(1);\n")
        self.assertEqual(check_banned.check(self.root), [])
        self.plant("coordd/fsm/memory.c", "void *p = malloc(1);\n")
        self.assert_one(check_banned.check(self.root), "coordd/fsm/memory.c:1")


if __name__ == "__main__":
    unittest.main()
