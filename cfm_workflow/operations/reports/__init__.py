"""What keeps reports quick: the ledger rolled up behind its head; and who looked when."""
