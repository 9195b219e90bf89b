"""The tutor's pages.

Public, for the parent view: turns, views.
"""
