"""Fetches files from where providers say they are, and from nowhere else."""

from chatfold.downloads.addresses import Addresses, networks
from chatfold.downloads.client import Downloads, Limits

__all__ = ["Addresses", "Downloads", "Limits", "networks"]
