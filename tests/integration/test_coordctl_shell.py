#!/usr/bin/env python3
"""coordctl shell, at a terminal and without one."""

import contextlib
import os
import signal
import socket
import tempfile
import threading

import harness
from cluster.terminal import CTRL_C, CTRL_D, TAB, UP, Terminal


class Door:
    """A port in front of a replica's that counts who comes in."""

    def __init__(self, port):
        self._to = port
        self._sockets = []
        self._threads = []
        self.count = 0
        self._door = self._keep(socket.create_server(("127.0.0.1", 0)))
        self.port = self._door.getsockname()[1]
        self._start(self._let_in)

    def _keep(self, one):
        self._sockets.append(one)
        return one

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _let_in(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                inner = self._keep(self._door.accept()[0])
                self.count += 1
                outer = self._keep(socket.create_connection(("127.0.0.1", self._to)))
                self._start(self._pump, inner, outer)
                self._start(self._pump, outer, inner)

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        for one in self._sockets:
            with contextlib.suppress(OSError):  # it is over already
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(20)
        for one in self._sockets:
            one.close()


class AtATerminal(harness.ClusterTest):
    REPLICAS = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        control = cls.cluster.coordctl()
        for path in ("/config", "/config/color", "/config/colour-of-doors", "/spaces", "/spaces/a b",
                     "/spaces/gr\u00fcn"):
            control.do("create", path, f"data of {path}")

    def setUp(self):
        self.control = self.cluster.coordctl()
        self.home = tempfile.TemporaryDirectory(prefix="coord-home-")
        self.addCleanup(self.home.cleanup)

    def open(self, *options, control=None):
        control = control or self.control
        environment = {**control.whole_environment(), "HOME": self.home.name}
        terminal = Terminal([control.program, *options, "shell"], environment)
        self.addCleanup(terminal.end)
        terminal.sees(r"coord.*> $")
        return terminal

    def test_commands_one_after_the_other(self):
        shell = self.open()
        shell.type("create /first 'two words'\n")
        shell.sees(r"> $")
        shell.type("get /first -o json\n")
        shell.sees(r'"data":"two words".*\n.*> $')
        shell.type("exit\n")
        self.assertEqual(shell.wait(), 0)
        self.assertEqual(self.control.do("get", "/first"), b"two words")

    def test_tab_completes_a_command(self):
        shell = self.open()
        shell.type(f"sta{TAB}")
        shell.sees("stat")
        shell.type(f"us{CTRL_C}")  # stat and status fit
        shell.sees(r"\^C\n.*> $")
        shell.type(f"acl s{TAB}")
        shell.sees("acl set ")
        shell.type(CTRL_C)
        shell.sees(r"> $")
        shell.type(f"cou{TAB}/config\n")
        shell.sees(r"count /config\n2\n")

    def test_tab_completes_options_and_values(self):
        shell = self.open()
        shell.type(f"get --lev{TAB}ses{TAB}/config/color{TAB}\n")
        shell.sees("get --level session /config/color.*\n?data of /config/color")
        shell.type(f"create --{TAB}{TAB}")
        listed = shell.sees("--ephemeral")
        for option in ("--parents", "--ttl", "--output", "--timeout"):
            self.assertIn(option, listed)
        self.assertNotIn("--level", listed)

    def test_tab_completes_a_path(self):
        shell = self.open()
        shell.type(f"get /conf{TAB}")
        shell.sees("get /config/")
        shell.type(f"c{TAB}")
        shell.sees("olo")
        shell.type(TAB)
        shell.sees("color  colour-of-doors\n")
        shell.type(f"ur{TAB}\n")
        shell.sees("data of /config/colour-of-doors")

    def test_tab_quotes_what_needs_it(self):
        shell = self.open()
        shell.type(f"get /spaces/a{TAB}\n")
        shell.sees('data of /spaces/a b')
        shell.type(f"get /spaces/gr{TAB}\n")
        shell.sees("data of /spaces/gr\u00fcn")

    def test_paths_begin_where_it_is(self):
        shell = self.open()
        shell.type("cd config\n")
        shell.sees("coord /config> $")
        shell.type(f"get colou{TAB}\n")
        shell.sees("data of /config/colour-of-doors")
        shell.type("get ../spaces/./../config\n")
        shell.sees("data of /config\\b")
        shell.type("cd /none\n")
        shell.sees(r"NO_NODE\)\n.*coord /config> $")
        shell.type("cd ..\n")
        shell.sees("coord /> $")

    def test_an_error_and_on(self):
        shell = self.open()
        shell.type("get /none\n")
        shell.sees(r"coordctl: get /none: .*\(NO_NODE\)\n.*> $")
        shell.type("fly\n")
        shell.sees(r"fly: no such command\n.*`help`.*\n.*> $")
        shell.type("get \"/config\n")
        shell.sees(r"a quote is not closed\n.*> $")
        shell.type("get /config\n")
        shell.sees("data of /config")

    def test_history_is_in_memory_alone(self):
        shell = self.open()
        shell.type("set /config secret-1\n")
        shell.sees(r"> $")
        shell.type("pwd\n")
        shell.sees(r"\n/\n.*> $")
        shell.type(UP + UP)
        shell.sees("set /config secret-1")
        shell.type("2\n")
        shell.sees(r"> $")
        self.assertEqual(self.control.do("get", "/config"), b"secret-12")
        self.control.do("set", "/config", "data of /config")
        shell.type(CTRL_D)
        self.assertEqual(shell.wait(), 0)
        self.assertEqual(os.listdir(self.home.name), [])

    def test_ctrl_c_ends_a_watch_and_not_the_shell(self):
        shell = self.open()
        shell.type("watch /config\n")
        shell.sees("set: every later change")
        shell.type(CTRL_C)
        shell.sees(r"\^C.*> $")
        shell.type("get /config/color\n")
        shell.sees("data of /config/color")

    def test_ctrl_c_gives_up_waiting_for_a_lock(self):
        held = self.control.start("lock", "/shell-lock", "--", "cat")
        self.addCleanup(held.end)
        queue = lambda: self.control.run("ls", "/shell-lock").text.split()
        harness.wait_until("the lock is held", 30, lambda: len(queue()) == 1)
        shell = self.open()
        shell.type("lock /shell-lock -- echo mine\n")
        harness.wait_until("somebody waits", 30, lambda: len(queue()) == 2)
        shell.type(CTRL_C)
        shell.sees(r"> $")
        harness.wait_until("nobody waits", 30, lambda: len(queue()) == 1)
        held.end_input()
        self.assertEqual(held.wait(), 0)
        shell.type("lock /shell-lock -- sh -c 'echo mi\"\"ne $COORD_FENCE'\n")
        shell.sees(r"mine \d+\n")

    def test_ctrl_c_reaches_the_program_under_a_lock(self):
        shell = self.open()
        shell.type("lock /shell-job -- sh -c 'echo be\"\"gun; exec cat'\n")
        shell.sees("begun\n")
        shell.type(CTRL_C)
        shell.sees(r"> $")
        shell.type("pwd\n")
        shell.sees(r"\n/\n")

    def test_data_and_an_ephemeral_node_end_with_ctrl_d(self):
        shell = self.open()
        shell.type("create /typed -\n")
        shell.wait_for_program()
        shell.type("some text\n" + CTRL_D)
        shell.sees(r"> $")
        self.assertEqual(self.control.do("get", "/typed"), b"some text\n")
        shell.type("create --ephemeral /here\n")
        shell.sees("lives as long")
        self.assertEqual(self.control.run("stat", "/here").code, 0)
        shell.type(CTRL_D)
        shell.sees(r"> $")
        self.assert_refused(self.control.run("stat", "/here"), "no_node")

    def test_ctrl_c_instead_of_data(self):
        shell = self.open()
        shell.type("create /untyped -\n")
        shell.wait_for_program()
        shell.type("some" + CTRL_C)
        shell.sees(r"cannot read standard input.*\n.*> $")
        self.assert_refused(self.control.run("stat", "/untyped"), "no_node")

    def test_a_signal_at_the_prompt_is_no_end(self):
        shell = self.open()
        os.kill(shell.pid, signal.SIGINT)
        os.kill(shell.pid, signal.SIGINT)
        shell.type("pwd\n")
        shell.sees(r"\n/\n")

    def test_sigterm_leaves_the_terminal_as_it_was(self):
        shell = self.open()
        self.assertFalse(shell.makes_lines())
        os.kill(shell.pid, signal.SIGTERM)
        self.assertEqual(shell.wait(), -signal.SIGTERM)
        self.assertTrue(shell.makes_lines())

    def test_help(self):
        shell = self.open()
        shell.type("help\n")
        for word in ("cd ", "exit", "acl get", "txn"):
            self.assertIn(word, shell.sees("tells more"))
        shell.type("help acl get\n")
        shell.sees("usage: .*acl get PATH")
        shell.type("shell\n")
        shell.sees("shell: no such command")

    def test_a_namespace_is_in_the_prompt(self):
        shell = self.open("--namespace", "/config")
        shell.type(f"get /col{TAB}r\n")
        self.assertIn("coord /config:/> ", shell.sees("data of /config/color\\b"))


class NobodyAnswers(harness.ClusterTest):
    REPLICAS = 1

    def test_tab_does_not_hang(self):
        control = self.cluster.coordctl()
        nobody = f"127.0.0.1:{harness.free_ports(1)[0]}"
        shell = Terminal([control.program, "--endpoints", nobody, "--timeout", "1s", "shell"],
                         control.whole_environment())
        self.addCleanup(shell.end)
        shell.sees(r"coord \(no answer\) /> $")
        shell.type(f"get /{TAB}x\n")
        shell.sees(r"get /x: .*UNREACHABLE\)\n.*coord \(no answer\) /> $")
        shell.type(CTRL_D)
        self.assertEqual(shell.wait(), 0)

    def test_the_prompt_says_when_it_answers_again(self):
        replica = self.cluster.replicas[0]
        control = self.cluster.coordctl()
        shell = Terminal([control.program, "--timeout", "2s", "shell"], control.whole_environment())
        self.addCleanup(shell.end)
        shell.sees("coord /> $")
        replica.daemon.kill()
        shell.type("get /\n")
        shell.sees(r"\)\n.*coord \(no answer\) /> $")
        replica.start()
        harness.wait_until("the replica serves", 30,
                           lambda: self.cluster.coordctl().run("get", "/").code == 0)
        shell.type("get /\n")
        shell.sees(r"coord /> $")


class WithoutATerminal(harness.ClusterTest):
    REPLICAS = 1

    def setUp(self):
        self.control = self.cluster.coordctl()

    def script(self, *lines):
        return self.control.run("shell", data="\n".join(lines).encode())

    def test_lines(self):
        done = self.script("# made by a test", "", "create /script 'it''s'",
                           'create /script "it\\x27s \\"so\\""', "get /script")
        self.assertEqual((done.code, done.out), (2, b'it\'s "so"'), done.err)
        self.assertIn("a space is missing behind a quote", done.err)

    def test_exit_code_is_that_of_the_last_failing_line(self):
        self.control.do("create", "/codes")
        self.assertEqual(self.script("get /codes").code, 0)
        self.assertEqual(self.script("fly", "get /none", "get /codes").code, 1)
        self.assertEqual(self.script("get /none", "fly", "get /codes", "exit", "get /none").code, 2)
        done = self.script("lock /codes -- sh -c 'exit 7'", "get /codes")
        self.assertEqual(done.code, 7, done.err)

    def test_goes_on_behind_an_error(self):
        done = self.script("get /none", "create /on", "ls /")
        self.assertEqual(done.code, 1)
        self.assertIn(b"on\n", done.out)

    def test_standard_input_is_the_script(self):
        done = self.script("create /input -", "txn", "create /input")
        self.assertEqual(done.code, 2)
        self.assertEqual(done.err.count("standard input holds the lines"), 2, done.err)
        self.assertEqual(self.control.do("get", "/input"), b"")

    def test_one_connection_serves_all_lines(self):
        door = Door(self.cluster.replicas[0].client_port)
        self.addCleanup(door.close)
        control = self.cluster.coordctl()
        here = f"127.0.0.1:{door.port}"
        done = control.run("--endpoints", here, "shell", data=b"get /\n" * 20)
        self.assertEqual((done.code, door.count), (0, 1), done.err)
        # Another cluster, another time or a session: a client of its own.
        done = control.run("--endpoints", here, "shell", data=f"""\
get / --endpoints {here}
get / --timeout 5s
lock /door -- true
""".encode())
        self.assertEqual((done.code, door.count), (0, 4), done.err)


if __name__ == "__main__":
    harness.main()
