"""The order of record, its lines, holds, edits, cancellations."""
