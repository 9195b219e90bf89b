"""A worker claims turns, writes their answers through the output gate, checkpoints them and settles their holds.

Public: leases, remote_gate, worker.
"""
