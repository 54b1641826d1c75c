"""The catalogue of faults: one file per mechanism, never per target."""
