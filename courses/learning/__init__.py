"""What people do of modules, alone or together, and what is counted of it. It knows no page of a module.

Public: joint_modules, progress, records, statistics.
"""
