use std::{
    fmt::{Display, Write},
    fs, io,
    path::Path,
};

use serde_json::{Map, Value};

use crate::machine;

/// What a run has found, for people and for programs.
#[derive(Debug)]
pub(crate) struct Report {
    /// The files' name, without an ending.
    name: &'static str,
    markdown: String,
    json: Map<String, Value>,
}

impl Report {
    pub(crate) fn new(name: &'static str, title: &str) -> Self {
        Self {
            name,
            markdown: format!("# {title}\n"),
            json: Map::new(),
        }
    }

    pub(crate) fn paragraph(&mut self, text: &str) {
        writeln!(self.markdown, "\n{text}").expect("a string takes everything");
    }

    pub(crate) fn heading(&mut self, text: &str) {
        writeln!(self.markdown, "\n## {text}").expect("a string takes everything");
    }

    /// A table whose columns are as wide as their widest cell; the first row is the head.
    pub(crate) fn table(&mut self, rows: &[Vec<String>]) {
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        self.markdown.push('\n');
        for (number, row) in rows.iter().enumerate() {
            for (column, cell) in row.iter().enumerate() {
                write!(self.markdown, "| {cell:0$} ", width(column)).expect("a string");
            }
            self.markdown.push_str("|\n");
            if number == 0 {
                for column in 0..row.len() {
                    let dashes = "-".repeat(width(column) + 2);
                    write!(self.markdown, "|{dashes}").expect("a string takes everything");
                }
                self.markdown.push_str("|\n");
            }
        }
    }

    /// Names and what there is to say about them.
    pub(crate) fn list(&mut self, items: &[(impl Display, impl Display)]) {
        self.markdown.push('\n');
        for (name, value) in items {
            writeln!(self.markdown, "- {name}: {value}").expect("a string takes everything");
        }
    }

    /// Of the programs' form only.
    pub(crate) fn value(&mut self, key: &str, value: impl Into<Value>) {
        self.json.insert(key.to_owned(), value.into());
    }

    /// The machine, in both forms.
    pub(crate) fn machine(&mut self) {
        let facts = machine::describe();
        self.heading("Machine");
        self.list(&facts);
        let facts = facts
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()));
        self.value("machine", facts.collect::<Map<_, _>>());
    }

    /// Prints the report and writes both files.
    ///
    /// # Errors
    ///
    /// Those of the files.
    pub(crate) fn write(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)?;
        let path = directory.join(self.name);
        fs::write(path.with_extension("md"), &self.markdown)?;
        let json = serde_json::to_string_pretty(&self.json)?;
        fs::write(path.with_extension("json"), json + "\n")?;
        print!("{}", self.markdown);
        println!("\nwritten: {0}.md, {0}.json", path.display());
        Ok(())
    }
}
