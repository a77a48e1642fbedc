//! What the sources of mosquito keep to: imports point down, files are one concept, nothing is left undone.
//!
//! Read as text, which the formatter keeps regular: comments, string literals and test modules are blanked
//! first, then each rule looks at the lines that are left.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the runtime, from the top down. One may name its own layer and those below.
const LAYERS: [&[&str]; 9] = [
    &["inspect", "testing", "guide"],
    &["runner"],
    &["runners"],
    &["dequeue", "limits"],
    &["client", "queue", "configuration", "pausing", "presence"],
    // A job's outcome is an event, and enqueueing one is, too.
    &["job", "events", "middleware"],
    &["backend"],
    &["job_run", "flow"],
    &["name", "error", "clock"],
];

/// These see everything: one is the list of what is public, the others are what generated code names and what benchmarks measure.
const EXEMPT: [&str; 4] = ["lib", "private", "__private", "bench"];

/// At so many lines a file has a second concept.
const LONGEST: usize = 400;

const UNDONE: [(&str, &str); 4] = [
    ("todo!", "nothing is left to do"),
    ("unimplemented!", "nothing is left to do"),
    ("dbg!", "what is printed while looking for a mistake does not stay"),
    (".unwrap()", "an impossible case says why with `expect`; any other is an error"),
];

#[test]
fn imports_point_down_the_layers() {
    let sources = sources("mosquito/src");
    let root = sources.iter().find(|source| source.module == "lib").expect("there is a lib.rs");
    let exports = exports(&root.code);

    let mut broken = Vec::new();
    for source in sources.iter().filter(|source| !EXEMPT.contains(&source.module.as_str())) {
        let Some(layer) = layer(&source.module) else {
            broken.push(format!(
                "{}: the module `{}` has no layer: give it one in LAYERS, in {}",
                source.shown,
                source.module,
                file!()
            ));
            continue;
        };
        for (line, named) in source.named_modules(&exports) {
            if EXEMPT.contains(&named.as_str()) {
                broken
                    .push(format!("{}:{line}: nobody names `{named}`, which names everybody", source.shown));
            } else if let Some(other) = self::layer(&named).filter(|other| *other < layer) {
                broken.push(format!(
                    "{}:{line}: `{}` names `{named}`, which is above it: {}",
                    source.shown,
                    source.module,
                    [LAYERS[other].join(", "), LAYERS[layer].join(", ")].join(" → ")
                ));
            }
        }
    }

    assert!(broken.is_empty(), "imports point down only:\n  {}\n", broken.join("\n  "));
}

#[test]
fn a_file_is_one_concept() {
    let mut long = Vec::new();
    for source in all_sources() {
        let lines = source.text.lines().count();
        if lines > LONGEST {
            long.push(format!(
                "{}:{}: it has {lines} lines: find its second concept",
                source.shown,
                LONGEST + 1
            ));
        }
    }

    assert!(long.is_empty(), "a file has at most {LONGEST} lines:\n  {}\n", long.join("\n  "));
}

#[test]
fn nothing_is_left_undone() {
    let mut undone = Vec::new();
    for source in all_sources() {
        for (number, line) in source.code.lines().enumerate() {
            // This one unwraps nothing: it is how a span of one library becomes one of the compiler's.
            let line = line.replace(".span().unwrap()", ".span()");
            for (what, why) in UNDONE.iter().filter(|(what, _)| line.contains(what)) {
                undone.push(format!("{}:{}: `{what}`: {why}", source.shown, number + 1));
            }
        }
    }

    assert!(undone.is_empty(), "these do not belong into a release:\n  {}\n", undone.join("\n  "));
}

/// One file.
struct Source {
    /// Its path from the root of the workspace.
    shown: String,
    /// The module of the crate that it belongs to: the first part of its path.
    module: String,
    /// The module that the file is, part by part.
    path: Vec<String>,
    text: String,
    /// The text without comments, literals and tests; line by line the same.
    code: String,
}

impl Source {
    /// The modules of the crate that the code names, with the line of each.
    fn named_modules(&self, exports: &[(String, String)]) -> Vec<(usize, String)> {
        let mut named = Vec::new();
        for (start, path) in paths_in(&self.code) {
            let line = self.code[..start].lines().count().max(1);
            let mut parts = path.split("::").map(str::to_owned);
            let first = match parts.next().as_deref() {
                Some("crate") => parts.next(),
                // As many levels up as it says `super`, then on from there.
                _ => {
                    let ups = path.split("::").take_while(|part| *part == "super").count();
                    let kept = self.path.len().saturating_sub(ups);
                    let rest = path.split("::").skip(ups).map(str::to_owned);
                    self.path[..kept].iter().cloned().chain(rest).next()
                }
            };
            if let Some(first) = first {
                // A module goes before an item of its name: `job` is both.
                let is_item = |(item, _): &&(String, String)| layer(&first).is_none() && *item == first;
                let owner = exports.iter().find(is_item).map(|(_, module)| module.clone());
                named.push((line, owner.unwrap_or(first)));
            }
        }
        named
    }
}

/// Every path that begins with `crate` or `super`, with its place. A group in braces is taken apart.
fn paths_in(code: &str) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    for word in ["crate::", "super::"] {
        for (start, _) in code.match_indices(word) {
            let before = code[..start].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            expand(&code[start..], "", start, &mut paths);
        }
    }
    paths
}

fn expand(code: &str, prefix: &str, start: usize, paths: &mut Vec<(usize, String)>) {
    let end = code.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(code.len());
    let path = format!("{prefix}{}", &code[..end]);
    let Some(group) = code[end..].strip_prefix('{').filter(|_| path.ends_with("::")) else {
        paths.push((start, path.trim_end_matches(':').to_owned()));
        return;
    };
    let mut depth = 0;
    let mut item = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                let one = &group[item..at];
                if !one.trim().is_empty() {
                    let skipped = one.len() - one.trim_start().len();
                    expand(one.trim(), &path, start + end + 1 + item + skipped, paths);
                }
                item = at + 1;
                if c == '}' {
                    return;
                }
            }
            _ => (),
        }
    }
}

/// What the root exports under its own name, and the module that it is of.
fn exports(root: &str) -> Vec<(String, String)> {
    let mut exports = Vec::new();
    for statement in root.split(';') {
        let Some((_, tree)) = statement.rsplit_once("pub use ") else { continue };
        let mut paths = Vec::new();
        expand(tree.trim(), "", 0, &mut paths);
        for (_, path) in paths {
            let item = path.rsplit("::").next().unwrap_or_default();
            if let Some((module, _)) = path.split_once("::") {
                exports.push((item.to_owned(), module.to_owned()));
            }
        }
    }
    exports
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn all_sources() -> Vec<Source> {
    let mut sources = sources("mosquito/src");
    sources.extend(self::sources("mosquito-macros/src"));
    sources
}

fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in the workspace");
    let mut files = Vec::new();
    collect(&root.join(folder), &mut files);
    files.sort();
    assert!(!files.is_empty(), "there are sources in {folder}");
    files.iter().map(|file| read(root, &root.join(folder), file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn read(root: &Path, folder: &Path, file: &Path) -> Source {
    let text = fs::read_to_string(file).expect("a source can be read");
    let inside = file.strip_prefix(folder).expect("it is in the folder").with_extension("");
    let mut path: Vec<_> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let module = path[0].clone();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    let shown = file.strip_prefix(root).expect("it is in the workspace").display().to_string();
    // A file `tests.rs`, or one in a folder `tests`, is a test as a whole.
    let is_test = path.iter().any(|part| part == "tests");
    let code = if is_test { String::new() } else { without_tests(&without_words(&text)) };
    Source { shown, module, path, text, code }
}

/// The text with comments and the insides of literals blanked.
fn without_words(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = literal_or_comment(rest, code.chars().next_back());
        if length == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            code.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[length..];
        }
    }
    code
}

/// How long the comment or literal is that begins here; 0 when none does.
fn literal_or_comment(rest: &str, before: Option<char>) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if let Some(inside) = rest.strip_prefix("/*") {
        return inside.find("*/").map_or(rest.len(), |end| end + 4);
    }
    if let Some(inside) = rest.strip_prefix('"') {
        return 1 + end_of_text(inside);
    }
    if rest.starts_with("r#") || rest.starts_with("r\"") {
        let hashes = rest[1..].chars().take_while(|c| *c == '#').count();
        let begins_word = before.is_none_or(|c| !(c.is_alphanumeric() && c != 'b') && c != '_');
        if begins_word && rest[1 + hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let begin = 2 + hashes;
            return rest[begin..].find(&close).map_or(rest.len(), |end| begin + end + close.len());
        }
    }
    // A character, which might be a quote; a lifetime has no closing quote.
    if let Some(inside) = rest.strip_prefix('\'') {
        let mut chars = inside.char_indices();
        match chars.next() {
            Some((_, '\\')) => return inside[2..].find('\'').map_or(0, |end| end + 4),
            Some((_, c)) if inside[c.len_utf8()..].starts_with('\'') => return c.len_utf8() + 2,
            _ => (),
        }
    }
    0
}

/// The length of a text literal from its opening quote on, with the closing one.
fn end_of_text(inside: &str) -> usize {
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => (),
        }
    }
    inside.len()
}

/// The code with every item under `#[cfg(test)]` blanked.
fn without_tests(code: &str) -> String {
    let mut lines: Vec<String> = code.lines().map(str::to_owned).collect();
    let mut at = 0;
    while at < lines.len() {
        if lines[at].trim() != "#[cfg(test)]" {
            at += 1;
            continue;
        }
        let indent = lines[at].len() - lines[at].trim_start().len();
        let closing = format!("{}}}", " ".repeat(indent));
        // Up to the brace that closes the item, or to the end of an item without braces.
        let mut end = at + 1;
        while end < lines.len() {
            let line = lines[end].trim_end();
            let one_liner = line.len() - line.trim_start().len() == indent && line.ends_with(';');
            if line == closing || one_liner {
                break;
            }
            end += 1;
        }
        let last = end.min(lines.len() - 1);
        lines[at..=last].iter_mut().for_each(String::clear);
        at = last + 1;
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{exports, paths_in, without_tests, without_words};

    fn named(code: &str) -> Vec<String> {
        paths_in(code).into_iter().map(|(_, path)| path).collect()
    }

    #[test]
    fn groups_of_imports_are_taken_apart() {
        let code =
            "use crate::{job::{Job, Perform}, backend::memory::Memory};\nlet x = super::super::runner::go();";

        let expected = [
            "crate::job::Job",
            "crate::job::Perform",
            "crate::backend::memory::Memory",
            "super::super::runner::go",
        ];
        assert_eq!(named(code), expected, "each path by itself");
    }

    #[test]
    fn what_is_only_said_is_not_named() {
        let code = "// crate::a\nlet b = \"crate::b \\\" crate::c\"; /* crate::d */ let e = r#\"crate::e\"#;\n\
                    let f = '\"'; crate::g::h();";

        assert_eq!(named(&without_words(code)), ["crate::g::h"], "comments and literals do not count");
    }

    #[test]
    fn tests_may_name_anything() {
        let code = "use crate::a;\n#[cfg(test)]\nuse crate::b;\n#[cfg(test)]\nmod tests {\n    use crate::c;\n}\nuse crate::d;";

        assert_eq!(named(&without_tests(code)), ["crate::a", "crate::d"], "only what is not a test counts");
    }

    #[test]
    fn what_the_root_exports_is_of_its_module() {
        let exports = exports("mod a;\npub use a::{B, c::D};\n#[cfg(x)]\npub use e::F;");

        let expected = [("B", "a"), ("D", "a"), ("F", "e")].map(|(i, m)| (i.to_owned(), m.to_owned()));
        assert_eq!(exports, expected, "however deep it comes from");
    }
}
