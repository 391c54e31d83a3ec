"""What if: recorded inputs decided again by other behaviour; nothing is sent or written."""
