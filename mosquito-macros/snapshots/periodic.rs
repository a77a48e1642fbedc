#[derive(::mosquito::serde::Serialize, ::mosquito::serde::Deserialize)]
#[serde(crate = "::mosquito::serde")]
struct DailyReport {
    region: String,
}
const _: () = {
    impl ::mosquito::__private::Job for DailyReport {
        const SPEC: ::mosquito::__private::JobSpec = ::mosquito::__private::JobSpec {
            retry: ::mosquito::__private::Retry::NEVER,
            schedule: ::mosquito::__private::Option::Some(::mosquito::__private::ScheduleSpec {
                rhythm: ::mosquito::__private::Rhythm::Cron {
                    pattern: "0 6 * * MON-FRI",
                    timezone: "Europe/Berlin",
                },
                missed: ::mosquito::__private::Missed::Skip,
                overlap: ::mosquito::__private::Overlap::Skip,
            }),
            ..::mosquito::__private::JobSpec::named("daily_report")
        };
    }
    impl ::mosquito::__private::TickArgs for DailyReport {
        fn tick_args() -> Self {
            Self { region: "eu".into() }
        }
    }
    ::mosquito::__private::inventory::submit! {
        ::mosquito::__private::Registration::of:: < DailyReport > ().ticking_with:: <
        DailyReport > ()
    }
};
