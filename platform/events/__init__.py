"""Live events: places and the line for them, invitations, reminders, recordings.

Public: archive, demo, modules, selectors.
"""
