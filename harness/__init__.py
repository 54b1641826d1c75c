"""What every system under test shares: the harness knows no particular fault, service or suite."""
