"""What analysts take away: the log and the tables as Parquet or JSON lines."""
