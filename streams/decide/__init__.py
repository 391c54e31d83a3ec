"""The decisions: pure, total, without clock, randomness or IO."""
