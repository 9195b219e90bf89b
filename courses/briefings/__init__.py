"""The briefings as they are read. How they are written is in courses.authoring.

Public: nothing but its addresses.
"""
