"""Every journey a worker takes along, and every reader of the event log it feeds."""

from __future__ import annotations

from orderloom.journey.fulfillment import FULFILLMENT
from orderloom.journey.handing import MANIFEST
from orderloom.journey.importing import JOB
from orderloom.journey.notifying import NOTICE, NOTICES
from orderloom.journey.order import ORDER
from orderloom.journey.publishing import WEBHOOK, WEBHOOKS
from orderloom.journey.publishing_stock import AVAILABILITY, AVAILABLE, OFFERED, RECONCILIATION
from orderloom.journey.repromising import IN_LINE
from orderloom.journey.reserving import FREED_UNITS
from orderloom.journey.returning import RETURNING

JOURNEYS = (ORDER, JOB, FULFILLMENT, RETURNING, MANIFEST, NOTICE, WEBHOOK, AVAILABILITY, RECONCILIATION)
READERS = (FREED_UNITS, IN_LINE, NOTICES, WEBHOOKS, AVAILABLE, OFFERED)
