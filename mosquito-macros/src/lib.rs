//! The `#[job]` attribute of mosquito.

use proc_macro::TokenStream;

/// Makes a struct a background job.
#[proc_macro_attribute]
pub fn job(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}
