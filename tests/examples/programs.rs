//! Builds the examples, once, and finds them.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use mosquito_tests::{Program, Running};

/// Long enough for any example, on a busy machine too.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// An example, built.
pub(crate) fn example(name: &str) -> Program {
    build();
    Program::example(name)
}

/// A binary of an example that has packages of its own, built.
pub(crate) fn binary(name: &str) -> Program {
    build();
    Program::binary(name)
}

/// Waits until a program ended well, and until a line came that is among its last ones; answers all lines.
pub(crate) fn lines_of(mut program: Running, last: &str) -> Vec<String> {
    let status = program.wait_for_end(SOON);
    assert!(status.success(), "it ended with {status}:\n{}", program.lines().join("\n"));
    let _last = program.wait_for_line(last, SOON);
    program.lines()
}

fn build() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let test = std::env::current_exe().expect("a program knows where it is");
        // <target>/<profile>/deps/<test>
        let profile = test.ancestors().nth(2).expect("cargo puts tests there");
        let target = profile.parent().expect("cargo puts profiles there");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        // What `cargo test --workspace --all-features` would build them from, so that it is not built twice.
        build.args(["build", "--quiet", "--workspace", "--all-features", "--examples", "--bins"]);
        build.arg("--target-dir").arg(target).current_dir(workspace());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        // What cargo tells a test of the test's own package would look like a change to some build scripts.
        let of_this_package =
            |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_this_package)) {
            build.env_remove(name);
        }
        let status = build.status().expect("cargo starts");
        assert!(status.success(), "the examples do not build: {build:?}");
    });
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace")
}
