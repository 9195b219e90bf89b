"""People, and how they sign in: ages, names, time zones, limits.

Public: access, age, auth_backend, confirmations, demo, forms, known_devices, limits, models, names, zone_fields,
zones.
"""
