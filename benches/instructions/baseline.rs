//! What the figures were, in a file beside this one: for each compiler its own, since each makes other code.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

use crate::figures::{Figure, Kept, Kind};

/// What commands are kept under: they are those of any compiler.
const ANY: &str = "any compiler";

pub(crate) struct Baseline {
    by_compiler: BTreeMap<String, Kept>,
}

impl Baseline {
    pub(crate) fn read() -> Result<Self, Box<dyn Error>> {
        let by_compiler = match std::fs::read_to_string(file()) {
            Ok(text) => serde_json::from_str(&text)?,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(why) => return Err(why.into()),
        };
        Ok(Self { by_compiler })
    }

    pub(crate) fn knows(&self, compiler: &str) -> bool {
        self.by_compiler.contains_key(compiler)
    }

    /// All figures that there are for a compiler.
    pub(crate) fn of(&self, compiler: &str) -> Kept {
        let kept = [ANY, compiler].into_iter().filter_map(|key| self.by_compiler.get(key));
        kept.flatten().map(|(name, value)| (name.clone(), *value)).collect()
    }

    /// Makes figures those of before, and writes them down.
    pub(crate) fn bless(&mut self, compiler: &str, figures: &[(Figure, f64)]) -> Result<(), Box<dyn Error>> {
        for (key, kind) in [(compiler, Kind::Instructions), (ANY, Kind::Commands)] {
            let of_kind = figures.iter().filter(|(figure, _)| figure.kind == kind);
            let kept = of_kind.map(|(figure, _)| (figure.name.clone(), figure.value.round())).collect();
            self.by_compiler.insert(key.into(), kept);
        }
        std::fs::write(file(), serde_json::to_string_pretty(&self.by_compiler)? + "\n")?;
        Ok(())
    }
}

/// The compiler, and what it compiles for.
pub(crate) fn compiler() -> Result<String, Box<dyn Error>> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = String::from_utf8(Command::new(rustc).arg("-vV").output()?.stdout)?;
    let line = |key: &str| told.lines().find_map(|line| line.strip_prefix(key)).unwrap_or("?");
    Ok(format!("rustc {} for {}", line("release: "), line("host: ")))
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("instructions/baseline.json")
}
