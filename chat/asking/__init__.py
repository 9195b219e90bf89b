"""A question becomes a turn: judged, checked, grounded, held for, stored; and what waited is sent on.

Public: deferred, services.
"""
