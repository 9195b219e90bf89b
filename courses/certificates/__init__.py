"""A certificate says what a person had done of a module by a date. Anyone with its address can check it.

Public: issuing.
"""
