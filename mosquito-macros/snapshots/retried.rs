#[derive(::mosquito::serde::Serialize, ::mosquito::serde::Deserialize)]
#[serde(crate = "::mosquito::serde")]
#[derive(Debug)]
#[serde(rename_all = "camelCase")]
pub struct SendWelcome {
    pub user_id: u64,
    pub mail_address: String,
}
const _: () = {
    impl ::mosquito::__private::Job for SendWelcome {
        const SPEC: ::mosquito::__private::JobSpec = ::mosquito::__private::JobSpec {
            version: 2u32,
            redacted: &["mailAddress"],
            queue: "mail",
            retry: ::mosquito::__private::Retry {
                attempts: 8u32,
                backoff: ::mosquito::__private::Backoff::Exponential {
                    first: ::mosquito::__private::Duration::from_millis(2000u64),
                    max: ::mosquito::__private::Duration::from_millis(3600000u64),
                },
                ..::mosquito::__private::Retry::DEFAULT
            },
            timeout: ::mosquito::__private::Option::Some(
                ::mosquito::__private::Duration::from_millis(30000u64),
            ),
            deadline: ::mosquito::__private::Option::Some(
                ::mosquito::__private::Duration::from_millis(86400000u64),
            ),
            ..::mosquito::__private::JobSpec::named("send_welcome")
        };
    }
    impl ::mosquito::__private::NeedsState<Mailer> for SendWelcome {}
    impl ::mosquito::__private::NeedsState<db::Pool> for SendWelcome {}
    ::mosquito::__private::inventory::submit! {
        ::mosquito::__private::Registration::of:: < SendWelcome > ().needing(||
        ::mosquito::__private::states([::mosquito::__private::StateNeed::of:: < Mailer >
        (), ::mosquito::__private::StateNeed::of:: < db::Pool > ()])).upgrading:: <
        SendWelcome > ()
    }
};
