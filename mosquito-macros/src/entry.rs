//! The grammar that all lists of keys share: `key`, `key = value`, `key(list)`, parted by commas.

use std::ops::RangeInclusive;

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Error, Expr, Lit, LitStr, Token, token};

use crate::errors::{Mistakes, visible};

/// One key with what it was given.
pub(crate) struct Entry {
    pub(crate) key: Ident,
    pub(crate) value: Value,
}

pub(crate) enum Value {
    /// `key`
    Nothing,
    /// `key =`, which nothing stands behind
    Missing(Token![=]),
    /// `key = tokens`
    Is(TokenStream),
    /// `key(tokens)`, or other brackets
    List(Group),
}

impl Entry {
    /// Reads a whole list of entries such as the example, leaving out what cannot be read.
    pub(crate) fn parse_list(tokens: TokenStream, example: &str, mistakes: &mut Mistakes) -> Vec<Self> {
        let mut entries = Vec::new();
        for piece in between_commas(tokens, mistakes) {
            let parsed = (|input: ParseStream<'_>| {
                parse_piece(input, example, &mut entries, mistakes);
                Ok(())
            })
            .parse2(piece);
            mistakes.take(parsed);
        }
        entries
    }

    /// The text of `key = "text"`.
    pub(crate) fn text(&self, example: &str) -> syn::Result<LitStr> {
        match self.literal() {
            Some(Lit::Str(text)) if text.suffix().is_empty() => Ok(text),
            _ => Err(self.wrong(format!("`{}` takes text{}, as in `{example}`", self.key, self.how()))),
        }
    }

    /// What to add where a word stands for a text, or a literal has a suffix.
    fn how(&self) -> &'static str {
        match &self.value {
            Value::Is(tokens) if syn::parse2::<Ident>(tokens.clone()).is_ok() => " in quotes",
            _ if self.literal().is_some_and(|literal| !literal.suffix().is_empty()) => " without a suffix",
            _ => "",
        }
    }

    /// The text of `key = "2s"`.
    pub(crate) fn duration(&self, example: &str) -> syn::Result<LitStr> {
        match self.literal() {
            Some(Lit::Int(_) | Lit::Float(_)) => Err(self.wrong(number_as_duration(example))),
            _ => self.text(example),
        }
    }

    /// The number of `key = 5`, which lies in a range.
    pub(crate) fn number(&self, range: RangeInclusive<u32>, example: &str) -> syn::Result<u32> {
        let (key, least, most) = (&self.key, range.start(), range.end());
        let Some(Lit::Int(number)) = self.literal().filter(|literal| literal.suffix().is_empty()) else {
            let most = if *most == u32::MAX { String::new() } else { format!(" to {most}") };
            // A word is no number in quotes either.
            let how = self.literal().map_or("", |_| self.how());
            return Err(self
                .wrong(format!("`{key}` takes a whole number from {least}{most}{how}, as in `{example}`")));
        };
        let number = number.base10_parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| self.wrong(format!("`{key}` is a whole number from {least} to {most}")))
    }

    /// Whether it is `key = 0`, for which there are better words than that it is out of range.
    pub(crate) fn is_zero(&self) -> bool {
        matches!(self.literal(), Some(Lit::Int(number)) if number.base10_digits() == "0")
    }

    /// The literal of `key = literal`.
    pub(crate) fn literal(&self) -> Option<Lit> {
        match &self.value {
            Value::Is(tokens) => syn::parse2(tokens.clone()).ok(),
            Value::Nothing | Value::Missing(_) | Value::List(_) => None,
        }
    }

    /// The tokens of `key(tokens)`; there is at least one.
    pub(crate) fn list(&self, example: &str) -> syn::Result<TokenStream> {
        match &self.value {
            Value::List(group) if group.stream().is_empty() => Err(self
                .wrong(format!("`{}(..)` is empty; leave it out, or fill it as in `{example}`", self.key))),
            Value::List(group) if group.delimiter() == Delimiter::Parenthesis => Ok(group.stream()),
            _ => Err(self.wrong(format!("`{}` takes a list, as in `{example}`", self.key))),
        }
    }

    /// Nothing is what a flag takes.
    pub(crate) fn flag(&self) -> syn::Result<()> {
        match &self.value {
            Value::Nothing => Ok(()),
            _ => Err(self.wrong(format!("`{0}` takes no value; write `{0}`, or leave it out", self.key))),
        }
    }

    /// A mistake in the value, or at the key when there is none.
    pub(crate) fn wrong(&self, message: String) -> Error {
        match &self.value {
            Value::Nothing => Error::new_spanned(&self.key, message),
            Value::Missing(equals) => Error::new_spanned(equals, message),
            Value::Is(tokens) => Error::new_spanned(tokens, message),
            Value::List(group) => Error::new_spanned(group, message),
        }
    }
}

/// What to say to `timeout = 30`.
pub(crate) fn number_as_duration(example: &str) -> String {
    format!("durations are text with a unit, as in `{example}`; the units are ms, s, m, h and d")
}

/// Parts tokens at their commas, but for those between angle brackets: `Self::of::<A, B>()` is one piece.
/// A semicolon is a mistake for a comma.
pub(crate) fn between_commas(tokens: TokenStream, mistakes: &mut Mistakes) -> Vec<TokenStream> {
    let mut pieces = Vec::new();
    let mut piece = TokenStream::new();
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Punct(comma) if comma.as_char() == ',' && piece.is_empty() => {
                mistakes.at(comma, "there is nothing before this comma");
            }
            TokenTree::Punct(mark) if matches!(mark.as_char(), ',' | ';') => {
                if mark.as_char() == ';' {
                    mistakes.at(mark, "a comma stands here, not a semicolon");
                }
                pieces.extend(Some(std::mem::take(&mut piece)).filter(|piece| !piece.is_empty()));
            }
            TokenTree::Punct(bracket) if bracket.as_char() == '<' => {
                let inside = up_to_closing_bracket(tokens.clone());
                piece.extend([token]);
                piece.extend(tokens.by_ref().take(inside));
            }
            _ => piece.extend([token]),
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// How many tokens stand before the `>` that belongs to a `<`; none, where there is no such.
fn up_to_closing_bracket(tokens: impl Iterator<Item = TokenTree>) -> usize {
    let (mut open, mut before) = (1, ' ');
    for (at, token) in tokens.enumerate() {
        let TokenTree::Punct(punct) = &token else { continue };
        match punct.as_char() {
            '<' => open += 1,
            // An arrow closes nothing.
            '>' if !matches!(before, '-' | '=') => open -= 1,
            _ => {}
        }
        before = punct.as_char();
        if open == 0 {
            return at;
        }
    }
    0
}

/// Reads what stands between two commas: one entry, or several with a mistake for each forgotten comma.
fn parse_piece(input: ParseStream<'_>, example: &str, entries: &mut Vec<Entry>, mistakes: &mut Mistakes) {
    let mut piece_begun = false;
    while !input.is_empty() {
        match parse_entry(input, example, mistakes) {
            Ok(entry) => entries.push(entry),
            Err(mistake) => {
                // A key alone in front of it is not what it was meant to be either.
                entries.pop_if(|entry| piece_begun && matches!(entry.value, Value::Nothing));
                return mistakes.push(mistake);
            }
        }
        piece_begun = true;
        if input.peek(syn::Ident::peek_any) {
            mistakes.push(input.error("a comma is missing before this"));
        }
    }
}

fn parse_entry(input: ParseStream<'_>, example: &str, mistakes: &mut Mistakes) -> syn::Result<Entry> {
    if !input.peek(syn::Ident::peek_any) {
        let unexpected: TokenStream = input.parse()?;
        return Err(Error::new_spanned(unexpected, format!("a key stands here, as in `{example}`")));
    }
    let key = input.call(syn::Ident::parse_any)?;
    let value = if let Some(equals) = parse_equals(&key, input, mistakes)? {
        if input.is_empty() { Value::Missing(equals) } else { Value::Is(visible(parse_value(input)?)) }
    } else if input.peek(Lit) {
        mistakes.push(input.error(format!("`=` is missing between `{key}` and its value")));
        Value::Is(parse_value(input)?)
    } else if input.peek(token::Paren) || input.peek(token::Bracket) || input.peek(token::Brace) {
        match input.parse()? {
            TokenTree::Group(list) => Value::List(list),
            other => return Err(Error::new_spanned(other, "a list stands here")),
        }
    } else {
        Value::Nothing
    };
    Ok(Entry { key, value })
}

/// Reads what stands between a key and its value, also what means it elsewhere.
fn parse_equals(
    key: &Ident,
    input: ParseStream<'_>,
    mistakes: &mut Mistakes,
) -> syn::Result<Option<Token![=]>> {
    let written = if input.peek(Token![==]) {
        input.parse::<Token![==]>()?.to_token_stream()
    } else if input.peek(Token![=>]) {
        input.parse::<Token![=>]>()?.to_token_stream()
    } else if input.peek(Token![:]) && !input.peek(Token![::]) {
        input.parse::<Token![:]>()?.to_token_stream()
    } else {
        return input.parse();
    };
    let equals = Token![=](written.span());
    mistakes.at(&written, format!("`=` stands between `{key}` and its value, not `{written}`"));
    Ok(Some(equals))
}

/// An expression alone, so that a forgotten comma after it is noticed; of anything else, all there is.
fn parse_value(input: ParseStream<'_>) -> syn::Result<TokenStream> {
    if input.fork().parse::<Expr>().is_ok() {
        return Ok(input.parse::<Expr>()?.into_token_stream());
    }
    input.parse()
}
