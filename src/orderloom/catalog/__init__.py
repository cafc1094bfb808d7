"""Items: SKU, GTIN, weight, dimensions, handling flags."""
