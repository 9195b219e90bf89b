"""Labs: small pages on which a family looks inside the model that answers it. They store nothing but ledger entries.

labs.registry lists them. Each is a subclass of `labs.lab.Lab`; the rest is shared (ADR 67).
"""
