"""Log lines with the ids that follow a turn, and counters that all processes share.

Public: context, logs, metric_store, metrics.
"""
