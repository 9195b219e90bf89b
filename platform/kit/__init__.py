"""What several rooms use and none owns. No models, and no import of another room. All of it is public."""
