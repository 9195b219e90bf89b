"""The admin's desk: today at a glance, and a page for each job of the people who run the site (ADR 64).

Pages are listed in `navigation`, opened through `access`, and shown in Django's admin. Nothing imports this room.
"""
