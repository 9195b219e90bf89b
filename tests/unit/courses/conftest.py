from tests.courses.copied import change, content, folder

__all__ = ["change", "content", "folder"]
