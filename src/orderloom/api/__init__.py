"""The REST door: translate, make one call, translate back.

Owns the wire: schemas, statuses, keys, pages, the OpenAPI document. Promises that every convention of the API holds for
every route, since `door` applies them. Never decides anything about an order.
"""
