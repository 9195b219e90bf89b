"""The published modules: a reader's view of them, their pages, and search results.

Public: pages, results, selectors.
"""
