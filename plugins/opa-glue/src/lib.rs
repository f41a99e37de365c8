//! Stands between an OPA policy and the evaluator contract.
