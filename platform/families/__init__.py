"""Links of parents and teens: consent, agreements, looks, notices.

Public: agreements, closing, demo, gate, looks, models, next_steps, notices, selectors, terms, waiting, wider_views.
"""
