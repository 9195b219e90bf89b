"""The registry of personal data, its pages, its export and its erasure.

Public: admin_log, archive, registry, services, views.
"""
