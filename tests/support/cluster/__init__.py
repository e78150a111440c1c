"""Real replicas on loopback: certificates, configuration, processes and coordctl.

Used by tests/integration for clusters that live as long as a test, and by tests/support/dev_cluster.py
for the one that `./dev up` leaves running. Python's standard library and the openssl command only.
"""
