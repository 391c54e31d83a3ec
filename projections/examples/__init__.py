"""Own projections to copy from; they run where `CHATFOLD_PROJECTIONS` names them."""
