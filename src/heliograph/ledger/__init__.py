"""The generation ledger: checking what is stated, keeping and sealing it, and proving that nothing was changed."""
