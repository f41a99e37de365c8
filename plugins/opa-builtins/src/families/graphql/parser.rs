//! Tokens as trees: what both kinds of documents have in common. Queries and schemas stand in the modules below.

mod query;
mod schema;

use super::{
    lexer::{Kind, Lexer, Token},
    tree::{Argument, Child, Comment, Comments, Directive, Literal, LiteralKind, QueryDocument, SchemaDocument, Type},
};
use crate::Fault;

/// How deep selections, values and types may nest, together. Each level is up to three of the value that is shown, and
/// values nest up to 512.
const MAX_DEPTH: usize = 100;

pub fn query(text: &str) -> Result<QueryDocument, Fault> {
    Parser::new(text).query_document()
}

pub fn schema(text: &str) -> Result<SchemaDocument, Fault> {
    Parser::new(text).schema_document()
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    /// What is looked at.
    token: Token<'t>,
    /// The comments in front of it.
    comments: Comments,
    depth: usize,
}

/// Whether variables may stand in a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variables {
    Allowed,
    Refused,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Self {
        let token = Token { kind: Kind::End, text: "".into() };
        let mut parser = Self { lexer: Lexer::new(text), token, comments: Comments::default(), depth: 0 };
        parser.next();
        parser
    }

    /// Takes the token.
    fn next(&mut self) -> Token<'t> {
        let mut list = Vec::new();
        let token = loop {
            let token = self.lexer.token();
            if token.kind != Kind::Comment {
                break token;
            }
            list.push(Comment { value: token.text.into_owned() });
        };
        self.comments = Comments { list };
        std::mem::replace(&mut self.token, token)
    }

    fn looks_at(&self, kind: Kind) -> bool {
        self.token.kind == kind
    }

    fn looks_at_sign(&self, sign: u8) -> bool {
        self.looks_at(Kind::Sign(sign))
    }

    fn looks_at_word(&self, word: &str) -> bool {
        self.token.text == word && self.looks_at(Kind::Name)
    }

    fn unexpected<T>(&self) -> Result<T, Fault> {
        match self.token.kind {
            Kind::End => Err(Fault::new("the GraphQL text ends too early")),
            _ => Err(Fault::new(format!("the GraphQL text has an unexpected `{}`", self.token.text))),
        }
    }

    fn passes(&mut self, sign: u8) -> bool {
        let is_here = self.looks_at_sign(sign);
        if is_here {
            self.next();
        }
        is_here
    }

    fn expect(&mut self, sign: u8) -> Result<(), Fault> {
        if self.passes(sign) { Ok(()) } else { self.unexpected() }
    }

    /// Takes a word; gives the comments in front of it.
    fn word(&mut self, word: &str) -> Result<Comments, Fault> {
        if !self.looks_at_word(word) {
            return self.unexpected();
        }
        let comments = self.comments();
        self.next();
        Ok(comments)
    }

    fn name(&mut self) -> Result<String, Fault> {
        if self.looks_at(Kind::Name) { Ok(self.next().text.into_owned()) } else { self.unexpected() }
    }

    fn comments(&mut self) -> Comments {
        std::mem::take(&mut self.comments)
    }

    /// One level further down.
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth == MAX_DEPTH {
            return Err(Fault::new(format!("the GraphQL text nests deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        let answer = read(self);
        self.depth -= 1;
        answer
    }

    /// Whatever stands between two signs; nothing, and no fault, where the first does not.
    fn many<T>(&mut self, signs: [u8; 2], read: fn(&mut Self) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
        let mut items = Vec::new();
        if self.passes(signs[0]) {
            while !self.looks_at_sign(signs[1]) {
                items.push(read(self)?);
            }
            self.next();
        }
        Ok(items)
    }

    /// As [`Self::many`], with at least one between the signs; and the comments in front of the second sign.
    fn some<T>(
        &mut self,
        signs: [u8; 2],
        read: fn(&mut Self) -> Result<T, Fault>,
    ) -> Result<(Vec<T>, Comments), Fault> {
        if !self.passes(signs[0]) {
            return Ok((Vec::new(), Comments::default()));
        }
        let mut items = vec![read(self)?];
        while !self.looks_at_sign(signs[1]) {
            items.push(read(self)?);
        }
        let comments = self.comments();
        self.next();
        Ok((items, comments))
    }

    fn directives(&mut self, variables: Variables) -> Result<Vec<Directive>, Fault> {
        let mut directives = Vec::new();
        while self.passes(b'@') {
            let name = self.name()?;
            directives.push(Directive { name, arguments: self.arguments(variables)?, ..Directive::default() });
        }
        Ok(directives)
    }

    fn arguments(&mut self, variables: Variables) -> Result<Vec<Argument>, Fault> {
        let read: fn(&mut Self) -> Result<Argument, Fault> = match variables {
            Variables::Allowed => |parser| parser.argument(Variables::Allowed),
            Variables::Refused => |parser| parser.argument(Variables::Refused),
        };
        Ok(self.some([b'(', b')'], read)?.0)
    }

    fn argument(&mut self, variables: Variables) -> Result<Argument, Fault> {
        let comment = self.comments();
        let name = self.name()?;
        self.expect(b':')?;
        Ok(Argument { name, value: self.literal(variables)?, comment })
    }

    fn literal(&mut self, variables: Variables) -> Result<Literal, Fault> {
        let kind = match self.token.kind {
            Kind::Sign(b'[' | b'{') => return self.deeper(|parser| parser.collection(variables)),
            Kind::Sign(b'$') if variables == Variables::Allowed => {
                return Ok(Literal { raw: self.variable()?, ..Literal::default() });
            }
            Kind::Int => LiteralKind::Int,
            Kind::Float => LiteralKind::Float,
            Kind::String => LiteralKind::String,
            Kind::Block => LiteralKind::Block,
            Kind::Name => match &*self.token.text {
                "true" | "false" => LiteralKind::Boolean,
                "null" => LiteralKind::Null,
                _ => LiteralKind::Enum,
            },
            _ => return self.unexpected(),
        };
        Ok(Literal { raw: self.next().text.into_owned(), kind, ..Literal::default() })
    }

    fn collection(&mut self, variables: Variables) -> Result<Literal, Fault> {
        let comment = self.comments();
        let (kind, children) = match (self.looks_at_sign(b'['), variables) {
            (true, Variables::Allowed) => (LiteralKind::List, self.many([b'[', b']'], Self::item)?),
            (true, Variables::Refused) => (LiteralKind::List, self.many([b'[', b']'], Self::constant_item)?),
            (false, Variables::Allowed) => (LiteralKind::Object, self.many([b'{', b'}'], Self::object_field)?),
            (false, Variables::Refused) => (LiteralKind::Object, self.many([b'{', b'}'], Self::constant_field)?),
        };
        Ok(Literal { kind, children, comment, ..Literal::default() })
    }

    fn item(&mut self) -> Result<Child, Fault> {
        Ok(Child { value: self.literal(Variables::Allowed)?, ..Child::default() })
    }

    fn constant_item(&mut self) -> Result<Child, Fault> {
        Ok(Child { value: self.literal(Variables::Refused)?, ..Child::default() })
    }

    fn object_field(&mut self) -> Result<Child, Fault> {
        let Argument { name, value, comment } = self.argument(Variables::Allowed)?;
        Ok(Child { name, value, comment })
    }

    fn constant_field(&mut self) -> Result<Child, Fault> {
        let Argument { name, value, comment } = self.argument(Variables::Refused)?;
        Ok(Child { name, value, comment })
    }

    fn variable(&mut self) -> Result<String, Fault> {
        self.expect(b'$')?;
        self.name()
    }

    fn type_reference(&mut self) -> Result<Type, Fault> {
        let mut kind = if self.passes(b'[') {
            let item = self.deeper(Self::type_reference)?;
            self.expect(b']')?;
            Type { item: Some(Box::new(item)), ..Type::default() }
        } else {
            Type { name: self.name()?, ..Type::default() }
        };
        kind.is_non_null = self.passes(b'!');
        Ok(kind)
    }
}
