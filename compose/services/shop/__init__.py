"""The shop's services: ordinary programs that know nothing of any test harness."""
