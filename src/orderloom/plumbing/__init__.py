"""What every part stands on: database, journeys' runner, event log, settings, logging, outgoing HTTP, credentials.

No merchant word occurs here.
"""
