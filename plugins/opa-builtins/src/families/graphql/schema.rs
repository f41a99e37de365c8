//! A schema: definitions with what extends them, by name, once they hold together.

mod checks;
mod prelude;

use std::collections::BTreeMap;

use super::tree::{
    ArgumentDefinition, Definition, DefinitionKind, DirectiveDefinition, FieldDefinition, OperationKind, Root,
    SchemaDocument, Type,
};
use crate::Fault;

pub use checks::is_compatible;

/// What a document may define again, since servers differ in which of them they have.
const REDEFINABLE: [&str; 6] = ["include", "skip", "deprecated", "specifiedBy", "defer", "oneOf"];

#[derive(Debug, Default)]
pub struct Schema {
    pub types: BTreeMap<String, Definition>,
    pub directives: BTreeMap<String, DirectiveDefinition>,
    /// The objects, and the interfaces, that a type may turn out to be.
    possible: BTreeMap<String, Vec<String>>,
    roots: BTreeMap<OperationKind, String>,
    /// The field that every type has.
    typename: FieldDefinition,
}

impl Schema {
    /// A document's schema, with what GraphQL itself defines.
    pub fn of(document: &SchemaDocument) -> Result<Self, Fault> {
        let prelude = prelude::document();
        let typename = FieldDefinition { name: "__typename".to_owned(), kind: named("String"), ..Default::default() };
        let mut schema = Self { typename, ..Self::default() };
        for part in [&prelude, document] {
            schema.define(part)?;
        }
        schema.extend(document)?;
        schema.find_possible_types();
        schema.find_roots(document)?;
        checks::hold(&schema, document)?;
        schema.open_to_introspection();
        Ok(schema)
    }

    pub fn root(&self, operation: OperationKind) -> Option<&Definition> {
        let operation = if operation == OperationKind::Open { OperationKind::Query } else { operation };
        self.types.get(self.roots.get(&operation)?)
    }

    pub fn possible(&self, name: &str) -> &[String] {
        self.possible.get(name).map_or(&[], Vec::as_slice)
    }

    pub fn of_type(&self, kind: &Type) -> Option<&Definition> {
        self.types.get(kind.innermost())
    }

    pub fn field<'s>(&'s self, parent: &'s Definition, name: &str) -> Option<&'s FieldDefinition> {
        if name == self.typename.name { Some(&self.typename) } else { parent.field(name) }
    }

    fn define(&mut self, document: &SchemaDocument) -> Result<(), Fault> {
        for definition in &document.definitions {
            if self.types.insert(definition.name.clone(), definition.clone()).is_some() {
                return Err(Fault::new(format!("type {} is defined twice", definition.name)));
            }
        }
        for directive in &document.directives {
            let before = self.directives.insert(directive.name.clone(), directive.clone());
            if before.is_some() && !REDEFINABLE.contains(&directive.name.as_str()) {
                return Err(Fault::new(format!("directive {} is defined twice", directive.name)));
            }
        }
        Ok(())
    }

    fn extend(&mut self, document: &SchemaDocument) -> Result<(), Fault> {
        for extension in &document.extensions {
            let new = || Definition { kind: extension.kind, name: extension.name.clone(), ..Definition::default() };
            let definition = self.types.entry(extension.name.clone()).or_insert_with(new);
            if definition.kind != extension.kind {
                return Err(Fault::new(format!("type {} is extended as another kind", extension.name)));
            }
            definition.directives.extend_from_slice(&extension.directives);
            definition.interfaces.extend_from_slice(&extension.interfaces);
            definition.fields.extend_from_slice(&extension.fields);
            definition.members.extend_from_slice(&extension.members);
            definition.values.extend_from_slice(&extension.values);
        }
        Ok(())
    }

    fn find_possible_types(&mut self) {
        let mut possible: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut add = |of: &str, name: &str| possible.entry(of.to_owned()).or_default().push(name.to_owned());
        for definition in self.types.values() {
            let name = &definition.name;
            match definition.kind {
                DefinitionKind::Union => definition.members.iter().for_each(|member| add(name, member)),
                DefinitionKind::Object | DefinitionKind::Input => {
                    definition.interfaces.iter().for_each(|interface| add(interface, name));
                    add(name, name);
                }
                DefinitionKind::Interface => definition.interfaces.iter().for_each(|interface| add(interface, name)),
                _ => {}
            }
        }
        self.possible = possible;
    }

    fn find_roots(&mut self, document: &SchemaDocument) -> Result<(), Fault> {
        if document.schemas.len() > 1 {
            return Err(Fault::new("there is more than one schema definition"));
        }
        let written = document.schemas.iter().chain(&document.schema_extensions).flat_map(|schema| &schema.roots);
        for Root { operation, kind, .. } in written {
            if !self.types.contains_key(kind) {
                return Err(Fault::new(format!("the root {} is of a type {kind} that is not there", operation.text())));
            }
            self.roots.insert(*operation, kind.clone());
        }
        if document.schemas.is_empty() {
            let names = [
                (OperationKind::Query, "Query"),
                (OperationKind::Mutation, "Mutation"),
                (OperationKind::Subscription, "Subscription"),
            ];
            for (operation, name) in names.into_iter().filter(|(_, name)| self.types.contains_key(*name)) {
                self.roots.entry(operation).or_insert_with(|| name.to_owned());
            }
        }
        Ok(())
    }

    /// A query may ask for the schema itself.
    fn open_to_introspection(&mut self) {
        let field = |name: &str, kind, arguments| FieldDefinition {
            name: name.to_owned(),
            kind,
            arguments,
            ..FieldDefinition::default()
        };
        let never_null = |name| Type { is_non_null: true, ..named(name) };
        let kind = never_null("String");
        let name = ArgumentDefinition { name: "name".to_owned(), kind, ..ArgumentDefinition::default() };
        let query = self.roots.get(&OperationKind::Query).and_then(|name| self.types.get_mut(name));
        if let Some(query) = query {
            query.fields.push(field("__schema", never_null("__Schema"), Vec::new()));
            query.fields.push(field("__type", named("__Type"), vec![name]));
        }
    }
}

fn named(name: &str) -> Type {
    Type { name: name.to_owned(), ..Type::default() }
}
