//! The trees of documents, with the members that OPA shows. Between them and values goes [`Node`]; what is empty is not
//! shown, and positions are not kept at all.

use std::collections::BTreeMap;

use crate::{Fault, Value};

/// A part of a tree.
pub trait Node: Sized {
    fn shown(&self) -> Value;

    /// The part that a policy hands back, whatever it made of it.
    fn given(value: &Value) -> Result<Self, Fault>;
}

macro_rules! node {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty = $member:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        pub struct $name {
            $(pub $field: $kind),*
        }

        impl Node for $name {
            fn shown(&self) -> Value {
                let members = [$(($member, self.$field.shown())),*];
                let kept = members.into_iter().filter(|(_, value)| !is_empty(value));
                Value::Object(kept.map(|(member, value)| (member.into(), value)).collect())
            }

            fn given(value: &Value) -> Result<Self, Fault> {
                let members = members(value)?;
                Ok(Self { $($field: member(members, $member)?),* })
            }
        }
    };
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($word:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            /// Only a tree that a policy made may leave it open.
            #[default]
            Open,
            $($word),*
        }

        impl $name {
            pub fn text(self) -> &'static str {
                match self {
                    Self::Open => "",
                    $(Self::$word => $text),*
                }
            }

            pub fn of(text: &str) -> Option<Self> {
                match text {
                    "" => Some(Self::Open),
                    $($text => Some(Self::$word),)*
                    _ => None,
                }
            }
        }

        impl Node for $name {
            fn shown(&self) -> Value {
                self.text().into()
            }

            fn given(value: &Value) -> Result<Self, Fault> {
                let text = String::given(value)?;
                Self::of(&text).ok_or_else(|| Fault::new(format!("{text} is no {}", stringify!($name))))
            }
        }
    };
}

node!(Comment { value: String = "Value" });
node!(
    /// The comments in front of something.
    Comments { list: Vec<Comment> = "List" }
);

/// Comments that OPA shows and does not read back.
#[derive(Clone, Debug, Default)]
pub struct Aside(pub Comments);

node!(QueryDocument { operations: Vec<Operation> = "Operations", fragments: Vec<Fragment> = "Fragments" });
words!(OperationKind { Query = "query", Mutation = "mutation", Subscription = "subscription" });
node!(Operation {
    kind: OperationKind = "Operation",
    name: String = "Name",
    variables: Vec<Variable> = "VariableDefinitions",
    directives: Vec<Directive> = "Directives",
    selections: Selections = "SelectionSet",
    comment: Aside = "Comment",
});
node!(Variable {
    name: String = "Variable",
    kind: Type = "Type",
    default: Option<Literal> = "DefaultValue",
    directives: Vec<Directive> = "Directives",
    is_used: bool = "Used",
    comment: Comments = "Comment",
});
node!(Fragment {
    name: String = "Name",
    variables: Vec<Variable> = "VariableDefinition",
    on: String = "TypeCondition",
    directives: Vec<Directive> = "Directives",
    selections: Selections = "SelectionSet",
    comment: Aside = "Comment",
});

#[derive(Clone, Debug, Default)]
pub struct Selections(pub Vec<Selection>);

#[derive(Clone, Debug)]
pub enum Selection {
    Field(Field),
    Spread(Spread),
    Inline(Inline),
}

node!(Field {
    alias: String = "Alias",
    name: String = "Name",
    arguments: Vec<Argument> = "Arguments",
    directives: Vec<Directive> = "Directives",
    selections: Selections = "SelectionSet",
    comment: Aside = "Comment",
});
node!(Spread { name: String = "Name", directives: Vec<Directive> = "Directives", comment: Comments = "Comment" });
node!(
    /// A fragment that stands where it is used.
    Inline {
        on: String = "TypeCondition",
        directives: Vec<Directive> = "Directives",
        selections: Selections = "SelectionSet",
        comment: Aside = "Comment",
    }
);
node!(Directive { name: String = "Name", arguments: Vec<Argument> = "Arguments", location: String = "Location" });
node!(Argument { name: String = "Name", value: Literal = "Value", comment: Comments = "Comment" });
node!(
    /// A value in a document.
    Literal {
        raw: String = "Raw",
        children: Vec<Child> = "Children",
        kind: LiteralKind = "Kind",
        has_default: bool = "ExpectedTypeHasDefault",
        comment: Comments = "Comment",
    }
);
node!(
    /// An item of a list, without a name, or a field of an object.
    Child { name: String = "Name", value: Literal = "Value", comment: Comments = "Comment" }
);
node!(Type { name: String = "NamedType", item: Option<Box<Type>> = "Elem", is_non_null: bool = "NonNull" });

/// By the numbers that OPA shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LiteralKind {
    #[default]
    Variable,
    Int,
    Float,
    String,
    Block,
    Boolean,
    Null,
    Enum,
    List,
    Object,
}

node!(SchemaDocument {
    schemas: Vec<SchemaDefinition> = "Schema",
    schema_extensions: Vec<SchemaDefinition> = "SchemaExtension",
    directives: Vec<DirectiveDefinition> = "Directives",
    definitions: Vec<Definition> = "Definitions",
    extensions: Vec<Definition> = "Extensions",
    comment: Comments = "Comment",
});
node!(SchemaDefinition {
    description: String = "Description",
    directives: Vec<Directive> = "Directives",
    roots: Vec<Root> = "OperationTypes",
    before: Comments = "BeforeDescriptionComment",
    after: Comments = "AfterDescriptionComment",
    end: Comments = "EndOfDefinitionComment",
});
node!(Root { operation: OperationKind = "Operation", kind: String = "Type", comment: Comments = "Comment" });
words!(DefinitionKind {
    Scalar = "SCALAR",
    Object = "OBJECT",
    Interface = "INTERFACE",
    Union = "UNION",
    Enum = "ENUM",
    Input = "INPUT_OBJECT",
});
node!(Definition {
    kind: DefinitionKind = "Kind",
    description: String = "Description",
    name: String = "Name",
    directives: Vec<Directive> = "Directives",
    interfaces: Vec<String> = "Interfaces",
    fields: Vec<FieldDefinition> = "Fields",
    members: Vec<String> = "Types",
    values: Vec<EnumValue> = "EnumValues",
    is_built_in: bool = "BuiltIn",
    before: Comments = "BeforeDescriptionComment",
    after: Comments = "AfterDescriptionComment",
    end: Comments = "EndOfDefinitionComment",
});
node!(FieldDefinition {
    description: String = "Description",
    name: String = "Name",
    arguments: Vec<ArgumentDefinition> = "Arguments",
    default: Option<Literal> = "DefaultValue",
    kind: Type = "Type",
    directives: Vec<Directive> = "Directives",
    before: Comments = "BeforeDescriptionComment",
    after: Comments = "AfterDescriptionComment",
});
node!(ArgumentDefinition {
    description: String = "Description",
    name: String = "Name",
    default: Option<Literal> = "DefaultValue",
    kind: Type = "Type",
    directives: Vec<Directive> = "Directives",
    before: Comments = "BeforeDescriptionComment",
    after: Comments = "AfterDescriptionComment",
});
node!(EnumValue {
    description: String = "Description",
    name: String = "Name",
    directives: Vec<Directive> = "Directives",
    before: Comments = "BeforeDescriptionComment",
    after: Comments = "AfterDescriptionComment",
});
node!(DirectiveDefinition {
    description: String = "Description",
    name: String = "Name",
    arguments: Vec<ArgumentDefinition> = "Arguments",
    locations: Vec<String> = "Locations",
    is_repeatable: bool = "IsRepeatable",
    before: Comments = "BeforeDescriptionComment",
    after: Comments = "AfterDescriptionComment",
});

impl Type {
    /// The name inside all lists.
    pub fn innermost(&self) -> &str {
        self.item.as_ref().map_or(&self.name, |item| item.innermost())
    }
}

impl Definition {
    pub fn field(&self, name: &str) -> Option<&FieldDefinition> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub fn is_leaf(&self) -> bool {
        matches!(self.kind, DefinitionKind::Scalar | DefinitionKind::Enum)
    }

    pub fn is_input(&self) -> bool {
        matches!(self.kind, DefinitionKind::Scalar | DefinitionKind::Enum | DefinitionKind::Input)
    }

    pub fn is_composite(&self) -> bool {
        matches!(self.kind, DefinitionKind::Object | DefinitionKind::Interface | DefinitionKind::Union)
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn members(value: &Value) -> Result<&BTreeMap<Value, Value>, Fault> {
    match value {
        Value::Object(members) => Ok(members),
        other => mismatch("an object", other),
    }
}

fn member<T: Node + Default>(members: &BTreeMap<Value, Value>, name: &str) -> Result<T, Fault> {
    match members.get(&Value::from(name)) {
        None | Some(Value::Null) => Ok(T::default()),
        Some(value) => T::given(value),
    }
}

fn mismatch<T>(expected: &str, found: &Value) -> Result<T, Fault> {
    Err(Fault::new(format!("a part of the tree must be {expected} but is {}", found.kind())))
}

impl Node for String {
    fn shown(&self) -> Value {
        self.as_str().into()
    }

    fn given(value: &Value) -> Result<Self, Fault> {
        match value {
            Value::String(text) => Ok(text.clone()),
            other => mismatch("a string", other),
        }
    }
}

impl Node for bool {
    fn shown(&self) -> Value {
        (*self).into()
    }

    fn given(value: &Value) -> Result<Self, Fault> {
        match value {
            Value::Bool(truth) => Ok(*truth),
            other => mismatch("a boolean", other),
        }
    }
}

impl<T: Node> Node for Vec<T> {
    fn shown(&self) -> Value {
        Value::Array(self.iter().map(Node::shown).filter(|value| !is_empty(value)).collect())
    }

    fn given(value: &Value) -> Result<Self, Fault> {
        match value {
            Value::Array(items) => items.iter().map(T::given).collect(),
            Value::Set(items) => items.iter().map(T::given).collect(),
            other => mismatch("an array", other),
        }
    }
}

impl<T: Node> Node for Option<T> {
    fn shown(&self) -> Value {
        self.as_ref().map_or(Value::Null, Node::shown)
    }

    fn given(value: &Value) -> Result<Self, Fault> {
        T::given(value).map(Some)
    }
}

impl<T: Node> Node for Box<T> {
    fn shown(&self) -> Value {
        self.as_ref().shown()
    }

    fn given(value: &Value) -> Result<Self, Fault> {
        T::given(value).map(Box::new)
    }
}

impl Node for Aside {
    fn shown(&self) -> Value {
        self.0.shown()
    }

    fn given(_: &Value) -> Result<Self, Fault> {
        Ok(Self::default())
    }
}

impl Node for Selections {
    fn shown(&self) -> Value {
        self.0.shown()
    }

    /// What is no selection is passed over, as OPA does.
    fn given(value: &Value) -> Result<Self, Fault> {
        match value {
            Value::Array(items) => Ok(Self(items.iter().filter_map(|item| Selection::given(item).ok()).collect())),
            other => mismatch("an array", other),
        }
    }
}

impl Node for Selection {
    fn shown(&self) -> Value {
        match self {
            Self::Field(field) => field.shown(),
            Self::Spread(spread) => spread.shown(),
            Self::Inline(inline) => inline.shown(),
        }
    }

    /// The first that fits. A spread fits a field, so a tree that was shown comes back with fields only, in OPA too.
    fn given(value: &Value) -> Result<Self, Fault> {
        let field = Field::given(value).map(Self::Field);
        let spread = |_| Spread::given(value).map(Self::Spread);
        field.or_else(spread).or_else(|_| Inline::given(value).map(Self::Inline))
    }
}

impl LiteralKind {
    const ALL: [Self; 10] = [
        Self::Variable,
        Self::Int,
        Self::Float,
        Self::String,
        Self::Block,
        Self::Boolean,
        Self::Null,
        Self::Enum,
        Self::List,
        Self::Object,
    ];
}

impl Node for LiteralKind {
    fn shown(&self) -> Value {
        (*self as usize).into()
    }

    fn given(value: &Value) -> Result<Self, Fault> {
        let Value::Number(number) = value else { return mismatch("a number", value) };
        let index = number.as_i64().and_then(|number| usize::try_from(number).ok());
        let kind = index.and_then(|index| Self::ALL.get(index));
        kind.copied().ok_or_else(|| Fault::new(format!("there is no kind {} of values", number.as_str())))
    }
}
