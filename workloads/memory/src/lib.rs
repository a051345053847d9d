//! Process memory as a workload: memhog, stress-ng and real processes.
