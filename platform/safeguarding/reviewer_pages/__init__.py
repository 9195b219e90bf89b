"""The pages of people who review crises, at /review/ (ADR 60)."""
