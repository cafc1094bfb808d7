"""All SQL of shipping: contracts, labels with their shipments, manifests."""
