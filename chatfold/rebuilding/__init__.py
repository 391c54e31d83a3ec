"""Projections made anew beside the live ones, compared, promoted, and taken back."""
