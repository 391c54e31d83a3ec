"""What each fact changes in each table; pure."""
