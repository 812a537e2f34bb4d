"""The work on a model's tasks: step by step, in threads of this process."""
