"""What every resolver and mutation needs: the context, loaders, transactions, errors, permissions."""
