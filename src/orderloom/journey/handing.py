"""The way of a manifest: closed by its node, told to its carrier once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orderloom import network, shipping
from orderloom.journey.parking import parked
from orderloom.plumbing.database import Db
from orderloom.plumbing.journeys import Answer, Journey, Outcomes, Outward, Park, Step
from orderloom.shipping.model import Manifest, ManifestAccepted, Refused
from orderloom.terms import Address


@dataclass(frozen=True, slots=True)
class HandingOver:
    """One manifest to be told to its carrier. Its number is the key: telling it again changes nothing."""

    subject: UUID
    provider: str
    manifest: Manifest
    adapter: str
    sender: Address


async def ask_to_collect(db: Db, ids: Sequence[UUID], _now: datetime) -> Sequence[HandingOver]:
    """The manifests to hand to their carriers."""
    found = [m for i in ids if (m := await shipping.manifest_of(db, manifest_id=i)) is not None]
    nodes = await network.nodes_of(db, ids={manifest.node_id for manifest in found})
    adapters = await shipping.adapters(db)
    return [HandingOver(m.id, m.carrier, m, adapters[m.carrier], nodes[m.node_id].address) for m in found]


async def hand_over(call: HandingOver) -> ManifestAccepted | Refused:
    """Tell the carrier."""
    return await shipping.hand_over(manifest=call.manifest, adapter_name=call.adapter, sender=call.sender)


async def note_collected(
    _db: Db, _ids: Sequence[UUID], answers: Sequence[Answer], _now: datetime
) -> Outcomes:
    """The carrier has the list, or a person must see to it."""
    return {
        call.subject: Park(f"{call.provider} refuses the manifest: {said.problem}")
        for call, said in answers
        if isinstance(said, Refused)
    }


MANIFEST = Journey(
    of="manifest",
    parked=parked("manifest"),
    steps=(
        Step(
            name="hand_over",
            do=Outward(prepare=ask_to_collect, call=hand_over, record=note_collected),
            no_undo="a carrier that was told collects; a parcel that stays behind is unshipped by itself",
            means="The carrier is told what it collects, under the manifest's own number.",
        ),
    ),
)
