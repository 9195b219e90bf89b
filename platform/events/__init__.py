"""Live events: sign-ups, the waitlist, calendar invitations, reminders and recordings.

Public: archive, demo, modules, selectors, statistics, times.
"""
