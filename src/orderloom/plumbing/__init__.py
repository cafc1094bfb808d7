"""Database, journeys' runner, event log, clock, settings, logging, outgoing HTTP, auth primitives. No merchant word occurs here."""
