"""Pages and feed of the briefings. Writing and loading them is in courses.authoring.

Public: only its URLs.
"""
