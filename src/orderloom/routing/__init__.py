"""Where each line ships from: node, split, cartons, carrier and service chosen together, and the record of why.

Owns: the plan and its decision records. Promises: the same request gives the same answer; every candidate refused has
its reasons. `plan` and `soonest` are pure, usable alone. Never: binds stock or moves slices (the journey does, with what is decided here).
"""

from orderloom.routing.following import decide
from orderloom.routing.model import Decision, Policy, Request, Source, Want
from orderloom.routing.plan import plan
from orderloom.routing.soonest import soonest
from orderloom.routing.store import last_decisions, record

__all__ = [
    "Decision",
    "Policy",
    "Request",
    "Source",
    "Want",
    "decide",
    "last_decisions",
    "plan",
    "record",
    "soonest",
]
