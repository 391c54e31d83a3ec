"""Looks into files that anybody may have made: in processes that may die of it, not in ours.

Nothing is imported here, so that such a process starts soon.
"""
