//! What a Rego entrypoint answered, read as a verdict. Pure; knows no engine, no host and no plugin contract.
