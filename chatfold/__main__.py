"""`python -m chatfold` is `chatfold`."""

from chatfold.cli.main import main

main()
