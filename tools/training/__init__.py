"""How the guard's classifier is made. Nothing that runs imports this; docs/guard-model.md is the model card."""
