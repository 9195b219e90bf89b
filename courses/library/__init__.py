"""The library, which is all published modules and briefings: a reader's progress, the pages, and search results.

Public: pages, renamed, results, selectors.
"""
