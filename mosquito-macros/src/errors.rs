//! Collects the mistakes of one attribute, so that all of them are told at once.

use std::fmt::Display;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Error;

/// What is wrong so far, each mistake with the tokens it is about.
#[derive(Default)]
pub(crate) struct Mistakes(Vec<Error>);

impl Mistakes {
    /// A mistake in these tokens.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(visible(tokens.into_token_stream()), message));
    }

    /// A mistake that was found while parsing.
    pub(crate) fn push(&mut self, mistake: Error) {
        self.0.push(mistake);
    }

    /// Keeps the mistake, if there is one, and goes on without the value.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|mistake| self.push(mistake)).ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many they are: more than before, where what was read in between was not right.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
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

/// The tokens without the invisible group around what a macro was given: that has the place of the macro's
/// variable, while those in it have the place where somebody wrote them.
pub(crate) fn visible(tokens: TokenStream) -> TokenStream {
    let mut trees = tokens.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::None => {
            visible(group.stream())
        }
        _ => tokens,
    }
}
