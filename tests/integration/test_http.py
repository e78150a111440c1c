#!/usr/bin/env python3
"""The HTTP port: alive, ready, and counters that Prometheus can read."""

import re

import harness

SAMPLE = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z0-9_]+="[^"]*"(,[a-zA-Z0-9_]+="[^"]*")*\})?'
                    r" [-+0-9.eE]+|NaN|[+-]Inf")


class Unborn(harness.ClusterTest):
    REPLICAS = 1
    BORN = False

    def test_alive_but_not_ready_before_birth(self):
        replica = self.cluster.replicas[0]
        self.assertEqual(replica.http("/livez")[0], 200)
        self.assertEqual(replica.http("/readyz")[0], 503)
        self.cluster.give_birth()
        self.assertEqual(replica.http("/readyz")[0], 200)


class Endpoints(harness.ClusterTest):
    REPLICAS = 1

    def setUp(self):
        self.replica = self.cluster.replicas[0]

    def test_metrics_have_the_form_of_prometheus(self):
        code, text = self.replica.http("/metrics")
        self.assertEqual(code, 200)
        typed = {}
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                typed[line.split()[2]] = line.split()[3]
            elif line and not line.startswith("#"):
                self.assertRegex(line, SAMPLE)
                name = re.split(r"[ {]", line)[0]
                family = re.sub("_(bucket|sum|count)$", "", name)
                self.assertTrue(name in typed or typed.get(family) == "histogram", name)
        self.assertIn("histogram", typed.values())

    def test_a_write_is_in_every_latency(self):
        def counts():
            metrics = self.replica.metrics()
            return [metrics[f"coord_{name}_seconds_count"] for name in ("commit", "fsync", "apply")]
        harness.wait_until("figures are published", 10, lambda: counts()[2] > 0)
        before = counts()
        self.cluster.coordctl().do("create", "/measured")
        harness.wait_until("each of them counts it", 10, lambda: all(
            now > then for now, then in zip(counts(), before)))
        metrics = self.replica.metrics()
        for name in ("commit", "fsync", "apply"):
            buckets = [value for key, value in metrics.items()
                       if key.startswith(f"coord_{name}_seconds_bucket")]
            self.assertEqual(buckets, sorted(buckets))
            self.assertEqual(buckets[-1], metrics[f"coord_{name}_seconds_count"])
            self.assertLess(0, metrics[f"coord_{name}_seconds_sum"])
        self.assertEqual(metrics["coord_leader_changes_total"], 1)

    def test_a_write_is_counted(self):
        def applied():
            return self.replica.metrics()["coord_applied_commands_total"]
        before = applied()
        self.cluster.coordctl().do("create", "/counted")
        harness.wait_until("the counter grows", 10, lambda: applied() > before)

    def test_unknown_path(self):
        self.assertEqual(self.replica.http("/nothing")[0], 404)


class NoMajority(harness.ClusterTest):
    def test_not_ready_but_alive(self):
        first, second, third = self.cluster.replicas
        second.daemon.kill()
        third.daemon.kill()
        harness.wait_until("it is not ready", 30, lambda: first.http("/readyz")[0] == 503)
        self.assertEqual(first.http("/livez")[0], 200)


if __name__ == "__main__":
    harness.main()
