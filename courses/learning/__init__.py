"""What people do in modules, alone or jointly, and the statistics. Knows nothing about pages of modules.

Public: changes, joint_modules, progress, records, statistics.
"""
