"""What authors write: files below `content/`, read, checked and loaded, or looked at while they are written.

Public: loading, previews, source.
"""
