"""All SQL of the schema `inventory`, one file a matter. Rows are locked here and nowhere else, in the order below.

Lock order, after `orders`: reservations by id, allotments by (sku, channel), stock by (node, sku), supplies by id,
lots by (node, sku, lot). Whoever needs two of them takes them in this order.
"""
