//! The workspace's files, read once.

use std::path::Path;

use anyhow::Context;

use super::source::Source;

/// A text file.
pub(super) struct File {
    /// From the workspace's root, with forward slashes.
    pub(super) path: String,
    pub(super) text: String,
    /// Code and literals apart, for Rust files.
    pub(super) source: Option<Source>,
}

/// All that the rules look at: sources, manifests, migrations.
pub(super) struct Tree {
    files: Vec<File>,
}

const READ: &[&str] = &["rs", "toml", "sql", "wit", "sh"];

impl Tree {
    /// Reads what stands below `root`. Links, hidden folders and build output are left out.
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        collect(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| File::new((*path).to_owned(), (*text).to_owned())).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// The Rust files whose path `wanted` says yes to.
    pub(super) fn sources(&self, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = (&str, &Source)> {
        self.files
            .iter()
            .filter(move |file| wanted(&file.path))
            .filter_map(|file| Some((file.path.as_str(), file.source.as_ref()?)))
    }
}

impl File {
    fn new(path: String, text: String) -> Self {
        let source = path.ends_with(".rs").then(|| Source::read(&text));
        Self { path, text, source }
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<File>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !name.starts_with('.') && !name.starts_with("target") && name != "node_modules" {
                collect(&entry.path(), &format!("{path}/"), files)?;
            }
        } else if kind.is_file() && Path::new(&name).extension().is_some_and(|ext| READ.iter().any(|read| ext == *read))
        {
            let text = std::fs::read_to_string(entry.path())
                .with_context(|| format!("cannot read {}", entry.path().display()))?;
            files.push(File::new(path, text));
        }
    }
    Ok(())
}
