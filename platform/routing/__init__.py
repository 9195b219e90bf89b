"""The models that may answer, their health, and the order in which they are tried for a question.

Public: breaker, formatting, models, ranking, registry.
"""
