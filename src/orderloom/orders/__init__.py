"""The order of record: its lines, the slices of their quantities, holds, exceptions and fulfillment orders.

Owns: what was bought, how far each unit has come, what blocks it, and which node works on it.
Promises: a line's quantity is always the sum of its slices; every higher status is computed from them; ranks fall
only by a named move. Never: touches stock or money, decides where from, talks to the outside.

- `capture` validates and stores incoming orders · `slices.move` is the one way a unit's status changes
- `reading` gives back what is stored · `holds`, `exceptions`, `fulfillments` each keep their own rows
"""
