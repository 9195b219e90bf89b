"""Links of parents and teens: consent, agreements, parent view, notices.

Public: agreements, consent_end, consent_texts, consents, demo, gate, models, next_steps, notices, parent_view,
parent_view_log, pending_requests, selectors, terms, trusted_adults.
"""
