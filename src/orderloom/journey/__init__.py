"""The story: how an order, a fulfillment order and a return travel, and what may be done to them on the way.

START at `order.py`. `placing` is what happens before the journey begins, `cancelling` and `working` what people and
nodes do to it meanwhile; `fulfillment` and `returning` are the journeys an order calls for. Capabilities meet here
and nowhere below: each is asked for its part and handed plain values.
"""
