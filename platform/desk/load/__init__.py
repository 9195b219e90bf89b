"""Generated turns, people and events, to measure a site by: `manage.py generate_load`."""
