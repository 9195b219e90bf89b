"""What a parent sees of a teen's conversations. Nothing in it is for other rooms."""
