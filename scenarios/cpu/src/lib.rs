//! CPU profiles: what CPU features a worker is allowed to see, and the proof that it is so.
