"""What authors write: files below `content/`. They are read, checked and loaded, or previewed in the editor.

Public: loading, previews, source.
"""
