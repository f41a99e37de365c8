//! Documents of types and directives.

use super::{Parser, Variables};
use crate::Fault;
use crate::families::graphql::{
    lexer::Kind,
    tree::{
        ArgumentDefinition, Comments, Definition, DefinitionKind, DirectiveDefinition, EnumValue, FieldDefinition,
        Root, SchemaDefinition, SchemaDocument,
    },
};

/// Where directives may stand.
const LOCATIONS: [&str; 19] = [
    "QUERY",
    "MUTATION",
    "SUBSCRIPTION",
    "FIELD",
    "FRAGMENT_DEFINITION",
    "FRAGMENT_SPREAD",
    "INLINE_FRAGMENT",
    "VARIABLE_DEFINITION",
    "SCHEMA",
    "SCALAR",
    "OBJECT",
    "FIELD_DEFINITION",
    "ARGUMENT_DEFINITION",
    "INTERFACE",
    "UNION",
    "ENUM",
    "ENUM_VALUE",
    "INPUT_OBJECT",
    "INPUT_FIELD_DEFINITION",
];

/// A string in front of a definition, and the comments in front of that.
#[derive(Default)]
struct Description {
    text: String,
    comments: Comments,
}

impl Description {
    /// Inside a definition an empty one is none, and neither are the comments in front of it.
    fn unless_empty(self) -> Self {
        if self.text.is_empty() { Self::default() } else { self }
    }
}

impl Parser<'_> {
    pub fn schema_document(mut self) -> Result<SchemaDocument, Fault> {
        let mut document = SchemaDocument::default();
        while !self.looks_at(Kind::End) {
            let description = self.description();
            if !self.looks_at(Kind::Name) {
                return self.unexpected();
            }
            match &*self.token.text {
                "schema" => document.schemas.push(self.schema_definition(description)?),
                "directive" => document.directives.push(self.directive_definition(description)?),
                "extend" if description.text.is_empty() => self.extension(&mut document)?,
                _ => document.definitions.push(self.type_definition(description)?),
            }
        }
        document.comment = self.comments();
        Ok(document)
    }

    fn description(&mut self) -> Description {
        if !self.looks_at(Kind::String) && !self.looks_at(Kind::Block) {
            return Description::default();
        }
        let comments = self.comments();
        Description { text: self.next().text.into_owned(), comments }
    }

    fn schema_definition(&mut self, description: Description) -> Result<SchemaDefinition, Fault> {
        let after = self.word("schema")?;
        let directives = self.directives(Variables::Refused)?;
        let (roots, end) = self.some([b'{', b'}'], Self::root)?;
        let Description { text: description, comments: before } = description;
        Ok(SchemaDefinition { description, directives, roots, before, after, end })
    }

    fn root(&mut self) -> Result<Root, Fault> {
        let comment = self.comments();
        let operation = self.operation_kind()?;
        self.expect(b':')?;
        Ok(Root { operation, kind: self.name()?, comment })
    }

    fn type_definition(&mut self, description: Description) -> Result<Definition, Fault> {
        let after = self.comments();
        let definition = self.definition(Variables::Refused)?;
        let Description { text: description, comments: before } = description;
        Ok(Definition { description, before, after, ..definition })
    }

    /// From the word that says its kind on.
    fn definition(&mut self, in_directives: Variables) -> Result<Definition, Fault> {
        if !self.looks_at(Kind::Name) {
            return self.unexpected();
        }
        let kind = match &*self.token.text {
            "scalar" => DefinitionKind::Scalar,
            "type" => DefinitionKind::Object,
            "interface" => DefinitionKind::Interface,
            "union" => DefinitionKind::Union,
            "enum" => DefinitionKind::Enum,
            "input" => DefinitionKind::Input,
            _ => return self.unexpected(),
        };
        self.next();
        let mut definition = Definition { kind, name: self.name()?, ..Definition::default() };
        if matches!(kind, DefinitionKind::Object | DefinitionKind::Interface) {
            definition.interfaces = self.interfaces()?;
        }
        definition.directives = self.directives(in_directives)?;
        match kind {
            DefinitionKind::Object | DefinitionKind::Interface => {
                (definition.fields, definition.end) = self.some([b'{', b'}'], Self::field_definition)?;
            }
            DefinitionKind::Input => {
                (definition.fields, definition.end) = self.some([b'{', b'}'], Self::input_field)?;
            }
            DefinitionKind::Enum => {
                (definition.values, definition.end) = self.some([b'{', b'}'], Self::enum_value)?;
            }
            DefinitionKind::Union if self.passes(b'=') => definition.members = self.alternatives()?,
            _ => {}
        }
        Ok(definition)
    }

    fn interfaces(&mut self) -> Result<Vec<String>, Fault> {
        let mut names = Vec::new();
        if self.token.text == "implements" {
            self.next();
            self.passes(b'&');
            names.push(self.name()?);
            while self.passes(b'&') {
                names.push(self.name()?);
            }
        }
        Ok(names)
    }

    fn alternatives(&mut self) -> Result<Vec<String>, Fault> {
        self.passes(b'|');
        let mut names = vec![self.name()?];
        while self.passes(b'|') {
            names.push(self.name()?);
        }
        Ok(names)
    }

    fn field_definition(&mut self) -> Result<FieldDefinition, Fault> {
        let Description { text: description, comments: before } = self.description().unless_empty();
        let after = self.comments();
        let name = self.name()?;
        let arguments = self.some([b'(', b')'], Self::argument_definition)?.0;
        self.expect(b':')?;
        let kind = self.type_reference()?;
        let directives = self.directives(Variables::Refused)?;
        Ok(FieldDefinition { description, name, arguments, default: None, kind, directives, before, after })
    }

    fn argument_definition(&mut self) -> Result<ArgumentDefinition, Fault> {
        let Description { text: description, comments: before } = self.description().unless_empty();
        let after = self.comments();
        let name = self.name()?;
        self.expect(b':')?;
        let kind = self.type_reference()?;
        let default = if self.passes(b'=') { Some(self.literal(Variables::Refused)?) } else { None };
        let directives = self.directives(Variables::Refused)?;
        Ok(ArgumentDefinition { description, name, default, kind, directives, before, after })
    }

    fn input_field(&mut self) -> Result<FieldDefinition, Fault> {
        let ArgumentDefinition { description, name, default, kind, directives, before, after } =
            self.argument_definition()?;
        Ok(FieldDefinition { description, name, arguments: Vec::new(), default, kind, directives, before, after })
    }

    fn enum_value(&mut self) -> Result<EnumValue, Fault> {
        let Description { text: description, comments: before } = self.description().unless_empty();
        let after = self.comments();
        let name = self.name()?;
        Ok(EnumValue { description, name, directives: self.directives(Variables::Refused)?, before, after })
    }

    fn extension(&mut self, document: &mut SchemaDocument) -> Result<(), Fault> {
        let after = self.word("extend")?;
        if self.looks_at_word("schema") {
            let extension = SchemaDefinition { after, ..self.schema_definition(Description::default())? };
            if extension.directives.is_empty() && extension.roots.is_empty() {
                return self.unexpected();
            }
            document.schema_extensions.push(extension);
            return Ok(());
        }
        let variables = if self.token.text == "input" { Variables::Allowed } else { Variables::Refused };
        let is_interface = self.token.text == "interface";
        let extension = Definition { after, ..self.definition(variables)? };
        if extends_nothing(&extension) || (is_interface && !extension.interfaces.is_empty()) {
            return self.unexpected();
        }
        document.extensions.push(extension);
        Ok(())
    }

    fn directive_definition(&mut self, description: Description) -> Result<DirectiveDefinition, Fault> {
        let after = self.word("directive")?;
        self.expect(b'@')?;
        let name = self.name()?;
        let arguments = self.some([b'(', b')'], Self::argument_definition)?.0;
        let is_repeatable = self.looks_at_word("repeatable");
        if is_repeatable {
            self.next();
        }
        self.word("on")?;
        let locations = self.alternatives()?;
        if let Some(unknown) = locations.iter().find(|location| !LOCATIONS.contains(&location.as_str())) {
            return Err(Fault::new(format!("there is no location `{unknown}` of directives")));
        }
        let Description { text: description, comments: before } = description;
        Ok(DirectiveDefinition { description, name, arguments, locations, is_repeatable, before, after })
    }
}

fn extends_nothing(extension: &Definition) -> bool {
    extension.interfaces.is_empty()
        && extension.directives.is_empty()
        && extension.fields.is_empty()
        && extension.members.is_empty()
        && extension.values.is_empty()
}
