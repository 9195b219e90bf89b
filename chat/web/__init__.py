"""The tutor's pages.

Public, for parents/: pages, views.
"""
