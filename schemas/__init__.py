"""What is written to the log and what it means; imports nothing of ours."""
