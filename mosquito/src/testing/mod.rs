//! What applications test their jobs with.
