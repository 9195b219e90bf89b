"""Numbers as in the United States and Mexico: 1,458 and 13.1%. Django's own `es` writes those of Spain."""

DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ","
