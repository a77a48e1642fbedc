//! Collects the mistakes of one attribute, so that all of them are told at once.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Error;

/// What is wrong so far, each mistake with the tokens it is about.
#[derive(Default)]
pub(crate) struct Mistakes(Option<Error>);

impl Mistakes {
    /// A mistake in these tokens.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(tokens, message));
    }

    /// A mistake that was found while parsing.
    pub(crate) fn push(&mut self, mistake: Error) {
        match &mut self.0 {
            Some(mistakes) => mistakes.combine(mistake),
            None => self.0 = Some(mistake),
        }
    }

    /// Keeps the mistake, if there is one, and goes on without the value.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|mistake| self.push(mistake)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// One `compile_error!` for each mistake, in the order in which they stand in the file.
    pub(crate) fn into_compile_errors(self) -> TokenStream {
        let mut mistakes: Vec<_> = self.0.into_iter().flatten().collect();
        // Outside of the compiler, in a test, tokens have no place.
        if proc_macro::is_available() {
            mistakes.sort_by_key(|mistake| {
                let span = mistake.span().unwrap();
                (span.line(), span.column())
            });
        }
        mistakes.into_iter().map(Error::into_compile_error).collect()
    }
}
