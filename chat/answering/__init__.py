"""A worker claims turns, writes their answers through the output gate, keeps them and settles.

Public: leases, remote_gate, worker.
"""
