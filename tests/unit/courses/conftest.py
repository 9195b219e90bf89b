from tests.courses.copied import change, content

__all__ = ["change", "content"]
