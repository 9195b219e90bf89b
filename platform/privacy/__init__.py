"""The registry of what is kept about people; its pages, its copy, its erasure.

Public: archive, log_titles, registry, services, views.
"""
