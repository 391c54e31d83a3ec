"""What the media agent decides without any IO."""
