//! Proves that what lies in an audit bucket is what was declared and written.
