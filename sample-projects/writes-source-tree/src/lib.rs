//! Many tests write where they should not: beside their own sources. Each leg therefore has a copy
//! of the project for itself, in which that works, and neither the user's tree nor the other leg
//! ever sees what was written. The test would fail if it found what an earlier one has left.
