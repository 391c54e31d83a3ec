"""The database's shape as numbered SQL files; `chatfold.migrate` applies them."""
