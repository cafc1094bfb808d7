"""Stock ledger, reservations, allocations, availability."""
