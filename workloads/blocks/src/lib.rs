//! Block workloads as fio has them, and the replay of block traces.
