"""Spanish for the United States."""
