"""Features together: combinations, redundancy, and what one adds to others."""
