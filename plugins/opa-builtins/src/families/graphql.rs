//! GraphQL, as the Go library reads it that OPA asks: documents as trees with its names, and its rules for them.
//!
//! No parser among the well-kept crates keeps what such a tree shows: comments with what they stand at, numbers as they
//! are written, block strings told from strings. So the grammar, some three hundred lines, is read here.

mod lexer;
mod parser;
mod rules;
mod schema;
mod tree;

use crate::{Builtin, Context, Fault, Value, operands};
use schema::Schema;
use tree::{Node, QueryDocument, SchemaDocument};

pub const BUILTINS: &[(&str, Builtin)] = &[
    ("graphql.is_valid", is_valid),
    ("graphql.parse", parse),
    ("graphql.parse_and_verify", parse_and_verify),
    ("graphql.parse_query", parse_query),
    ("graphql.parse_schema", parse_schema),
    ("graphql.schema_is_valid", schema_is_valid),
];

fn parse_query(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(parser::query(operands::string(arguments, 0)?)?.shown())
}

fn parse_schema(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(parser::schema(operands::string(arguments, 0)?)?.shown())
}

fn parse(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let [query, schema] = valid(arguments)?;
    Ok(Value::Array(vec![query, schema]))
}

fn parse_and_verify(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    let empty = || Value::object([]);
    Ok(Value::Array(match valid(arguments) {
        Ok([query, schema]) => vec![true.into(), query, schema],
        Err(_) => vec![false.into(), empty(), empty()],
    }))
}

fn is_valid(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(valid(arguments).is_ok().into())
}

fn schema_is_valid(_: &Context, arguments: &[Value]) -> Result<Value, Fault> {
    Ok(schema(arguments, 0).and_then(|document| Schema::of(&document)).is_ok().into())
}

/// The trees of a query and of the schema that it holds to.
fn valid(arguments: &[Value]) -> Result<[Value; 2], Fault> {
    let query: QueryDocument = match operands::any(arguments, 0)? {
        Value::String(text) => parser::query(text)?,
        tree @ Value::Object(_) => Node::given(tree)?,
        other => return Err(Fault::operand(1, "one of {string, object}", other.kind())),
    };
    let document = schema(arguments, 1)?;
    rules::hold(&Schema::of(&document)?, &query)?;
    Ok([query.shown(), document.shown()])
}

fn schema(arguments: &[Value], position: usize) -> Result<SchemaDocument, Fault> {
    match operands::any(arguments, position)? {
        Value::String(text) => parser::schema(text),
        tree @ Value::Object(_) => Node::given(tree),
        other => Err(Fault::operand(position + 1, "one of {string, object}", other.kind())),
    }
}
