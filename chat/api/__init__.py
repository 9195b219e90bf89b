"""The tutor's API under `/api/v1/`. Nothing in it is public to other rooms."""
