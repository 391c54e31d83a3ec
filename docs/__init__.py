"""The documents; those of the reference are generated from the code they describe."""
