"""The tutor for programs: `/api/v1/`. Nothing in it is for other rooms."""
