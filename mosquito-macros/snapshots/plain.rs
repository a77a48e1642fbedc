#[derive(::mosquito::serde::Serialize, ::mosquito::serde::Deserialize)]
#[serde(crate = "::mosquito::serde")]
/// Greets a new user.
pub struct Greet {
    pub user_id: u64,
    pub template: String,
}
const _: () = {
    impl ::mosquito::__private::Job for Greet {
        const SPEC: ::mosquito::__private::JobSpec = ::mosquito::__private::JobSpec::named(
            "greet",
        );
    }
    ::mosquito::__private::inventory::submit! {
        ::mosquito::__private::Registration::of:: < Greet > ()
    }
};
