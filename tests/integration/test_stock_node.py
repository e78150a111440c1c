#!/usr/bin/env python3
"""Node's stock gRPC client, @grpc/grpc-js, follows the contract by hand: node/session.js.

./dev test installs it into build/node from the lock file beside it.
"""

import json
import os
import subprocess
import sys

import harness

NODE_MODULES = os.path.join(harness.ROOT, "build", "node", "node_modules")
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "node", "session.js")
SECONDS = 60


class Script:
    """session.js at work, step by step."""

    def __init__(self, cluster, path, replicas):
        if not os.path.isdir(NODE_MODULES):
            sys.exit(f"{NODE_MODULES} is missing: ./dev test makes it")
        identity = cluster.client
        self.process = subprocess.Popen(
            ["timeout", str(SECONDS), "node", SCRIPT, os.path.join(harness.ROOT, "proto"),
             identity.authority, identity.certificate, identity.key, path,
             *[replica.endpoint for replica in replicas]],
            env={**os.environ, "NODE_PATH": NODE_MODULES}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def step(self, name):
        """What it says at its next step, which is this one."""
        line = self.process.stdout.readline()
        said = json.loads(line) if line else {}
        if said.get("step") != name:
            self.process.kill()
            raise AssertionError(f"{name} should come, not {said}: {self.process.stderr.read()}")
        return said

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self):
        _, err = self.process.communicate(timeout=SECONDS)
        if self.process.returncode != 0:
            raise AssertionError(f"node ended with {self.process.returncode}: {err}")


class StockNode(harness.ClusterTest):
    def test_session_from_replica_to_replica(self):
        control = self.cluster.coordctl()
        control.do("create", "/node")
        script = Script(self.cluster, "/node", self.cluster.replicas)
        said = script.step("opened")
        session = said["session"]
        self.assertEqual(said["replica"], 1)
        self.assertIn(b"here", control.do("get", "/node/me"))
        control.do("create", "/node/before", "0")
        script.go_on()
        expected = ["/node/me", "/node/before"]
        for number in (2, 3):
            script.step("away")
            control.do("create", f"/node/while-away-{number}", "1")
            script.go_on()
            said = script.step("resumed")
            self.assertEqual((said["session"], said["replica"]), (session, number))
            control.do("create", f"/node/again-{number}", "2")
            script.go_on()
            expected += [f"/node/while-away-{number}", f"/node/again-{number}"]
        events = script.step("heard")["events"]
        self.assertEqual([each["path"] for each in events], expected)
        self.assertEqual({each["kind"] for each in events}, {"EVENT_KIND_CREATED"})
        self.assertEqual([each["data"] for each in events], ["here", "0", "1", "2", "1", "2"])
        zxids = [int(each["zxid"]) for each in events]
        self.assertEqual(zxids, sorted(set(zxids)))
        self.assertIn(b"here", control.do("get", "/node/me"))
        script.go_on()
        script.step("closed")
        script.end()
        self.assertEqual(control.run("get", "/node/me").code, harness.Coordctl.REFUSED)


if __name__ == "__main__":
    harness.main()
