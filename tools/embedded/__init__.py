"""The services from PyPI wheels (PostgreSQL, Valkey, llama.cpp), and the supervisor behind `make run`."""
