"""Structured logs with request and turn ids, and metrics that all processes share.

Public: context, logs, metric_store, metrics.
"""
