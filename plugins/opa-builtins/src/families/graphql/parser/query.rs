//! Documents of operations and fragments.

use super::{Parser, Variables};
use crate::Fault;
use crate::families::graphql::{
    lexer::Kind,
    tree::{
        Aside, Field, Fragment, Inline, Operation, OperationKind, QueryDocument, Selection, Selections, Spread,
        Variable,
    },
};

impl Parser<'_> {
    pub fn query_document(mut self) -> Result<QueryDocument, Fault> {
        let mut document = QueryDocument::default();
        while !self.looks_at(Kind::End) {
            if self.looks_at_word("fragment") {
                document.fragments.push(self.fragment()?);
            } else {
                document.operations.push(self.operation()?);
            }
        }
        Ok(document)
    }

    fn operation(&mut self) -> Result<Operation, Fault> {
        if self.looks_at_sign(b'{') {
            let selections = self.selections()?;
            return Ok(Operation { kind: OperationKind::Query, selections, ..Operation::default() });
        }
        let comment = Aside(self.comments());
        let kind = self.operation_kind()?;
        let name = if self.looks_at(Kind::Name) { self.name()? } else { String::new() };
        let variables = self.variables()?;
        let directives = self.directives(Variables::Allowed)?;
        Ok(Operation { kind, name, variables, directives, selections: self.selections()?, comment })
    }

    pub fn operation_kind(&mut self) -> Result<OperationKind, Fault> {
        let known = OperationKind::of(&self.token.text).filter(|_| self.looks_at(Kind::Name));
        let Some(kind) = known else { return self.unexpected() };
        self.next();
        Ok(kind)
    }

    fn variables(&mut self) -> Result<Vec<Variable>, Fault> {
        Ok(self.some([b'(', b')'], Self::variable_definition)?.0)
    }

    fn variable_definition(&mut self) -> Result<Variable, Fault> {
        let comment = self.comments();
        let name = self.variable()?;
        self.expect(b':')?;
        let kind = self.type_reference()?;
        let default = if self.passes(b'=') { Some(self.literal(Variables::Refused)?) } else { None };
        Ok(Variable {
            name,
            kind,
            default,
            directives: self.directives(Variables::Allowed)?,
            comment,
            ..Variable::default()
        })
    }

    fn selections(&mut self) -> Result<Selections, Fault> {
        if !self.looks_at_sign(b'{') {
            return self.unexpected();
        }
        self.deeper(|parser| Ok(Selections(parser.some([b'{', b'}'], Self::selection)?.0)))
    }

    fn selection(&mut self) -> Result<Selection, Fault> {
        if self.looks_at(Kind::Spread) { self.spread() } else { self.field().map(Selection::Field) }
    }

    fn field(&mut self) -> Result<Field, Fault> {
        let comment = Aside(self.comments());
        let alias = self.name()?;
        let name = if self.passes(b':') { self.name()? } else { alias.clone() };
        let arguments = self.arguments(Variables::Allowed)?;
        let directives = self.directives(Variables::Allowed)?;
        let selections = if self.looks_at_sign(b'{') { self.selections()? } else { Selections::default() };
        Ok(Field { alias, name, arguments, directives, selections, comment })
    }

    fn spread(&mut self) -> Result<Selection, Fault> {
        let comment = self.comments();
        self.next();
        if self.looks_at(Kind::Name) && !self.looks_at_word("on") {
            let name = self.name()?;
            return Ok(Selection::Spread(Spread { name, directives: self.directives(Variables::Allowed)?, comment }));
        }
        let mut on = String::new();
        // Also as a string: the Go library looks at the text alone.
        if self.token.text == "on" {
            self.next();
            on = self.name()?;
        }
        let directives = self.directives(Variables::Allowed)?;
        Ok(Selection::Inline(Inline { on, directives, selections: self.selections()?, comment: Aside(comment) }))
    }

    fn fragment(&mut self) -> Result<Fragment, Fault> {
        let comment = Aside(self.word("fragment")?);
        if self.token.text == "on" {
            return self.unexpected();
        }
        let name = self.name()?;
        let variables = self.variables()?;
        self.word("on")?;
        let on = self.name()?;
        let directives = self.directives(Variables::Allowed)?;
        Ok(Fragment { name, variables, on, directives, selections: self.selections()?, comment })
    }
}
