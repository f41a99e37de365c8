//! The builtin functions that OPA policies need beside what their module carries.
