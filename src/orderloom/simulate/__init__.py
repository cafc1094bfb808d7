"""Demo data and a simulated world: buyers, warehouses, carriers."""
