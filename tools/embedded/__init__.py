"""The real parts from PyPI wheels (PostgreSQL, Valkey, llama.cpp), and the supervisor behind `make run`."""
