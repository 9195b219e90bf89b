"""Turns a question into a turn: judge it, check it, find passages, hold its cost, store it; and release deferred turns.

Public: deferred, follow_ups, services.
"""
