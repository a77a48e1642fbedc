//! As how many runs one counts: `weight = 2`, `weight = pages`, `weight = self.pages.len()`.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Expr, ExprUnary, UnOp};

use crate::entry::{Entry, Value};
use crate::errors::Mistakes;
use crate::fields::{FieldName, Fields};

pub(crate) enum Weight {
    /// A number, with the place where it was written.
    Always(u32, Span),
    Field(FieldName),
    /// An expression over `self`, evaluated at each enqueue.
    Computed(TokenStream),
}

impl Weight {
    pub(crate) fn parse(entry: &Entry) -> syn::Result<Self> {
        if entry.is_zero() {
            return Err(entry.wrong("a run that weighs 0 would not be limited; a weight is 1 or more".into()));
        }
        let Value::Is(written) = &entry.value else {
            return Err(Self::wrong(entry));
        };
        if let Some(number) = entry.literal() {
            let weight = entry.number(1..=u32::MAX, "weight = 1").map_err(|_| Self::wrong(entry))?;
            return Ok(Self::Always(weight, number.span()));
        }
        if let Some(field) = FieldName::parse(written) {
            return Ok(Self::Field(field));
        }
        match syn::parse2(written.clone()) {
            Ok(Expr::Unary(ExprUnary { op: UnOp::Neg(_), .. })) | Err(_) => Err(Self::wrong(entry)),
            Ok(_) => Ok(Self::Computed(written.clone())),
        }
    }

    fn wrong(entry: &Entry) -> syn::Error {
        entry.wrong(
            "`weight` is a whole number from 1, the name of a field that is one, or an expression, as in `weight = self.pages.len()`"
                .into(),
        )
    }

    /// Checks that the field is one of the job's.
    pub(crate) fn check(&self, job: &Ident, fields: Option<&Fields>, mistakes: &mut Mistakes) {
        if let (Self::Field(name), Some(fields)) = (self, fields) {
            fields.check(job, std::slice::from_ref(name), mistakes);
        }
    }
}
