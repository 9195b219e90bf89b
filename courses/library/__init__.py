"""What is published and read: modules as their reader stands in them, what their pages show, what a search finds.

Public: pages, results, selectors.
"""
