//! The graph of imports: files, arrows between them, and circles, of which there may be none.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Named, Source, sources};

/// Which files each file imports from. What a file exports again is looked for where it is defined.
struct Graph(BTreeMap<String, BTreeSet<String>>);

fn joined(path: &[String]) -> String {
    path.join("::")
}

impl Graph {
    fn of(all: &[Source]) -> Graph {
        let all: Vec<_> = all.iter().filter(|source| !source.is_test()).collect();
        let names: BTreeSet<_> = all.iter().map(|source| joined(&source.module())).collect();
        let mut exports = BTreeMap::new();
        for source in &all {
            for Named { path, .. } in source.outside(&names).into_iter().filter(|n| n.is_export) {
                let name = path.last().expect("a path names something").clone();
                exports.insert((joined(&source.module()), name), path);
            }
        }
        let mut graph = BTreeMap::new();
        for source in &all {
            let own = joined(&source.module());
            let arrows = source.outside(&names).into_iter().filter(|n| !n.is_export);
            let arrows = arrows.filter_map(|named| home(&named.path, &names, &exports));
            // What the root exports is for users of the library.
            let arrows = arrows.filter(|file| *file != own && !file.is_empty());
            let arrows: BTreeSet<_> = arrows.collect();
            graph.insert(own, arrows);
        }
        Graph(graph)
    }

    /// One circle of files, if there is any: where a file was met again on the way.
    fn circle(&self) -> Option<Vec<&str>> {
        let mut done = BTreeSet::new();
        let mut way = Vec::new();
        let mut starts = self.0.keys();
        starts.find_map(|start| self.walk(start, &mut way, &mut done))
    }

    fn walk<'a>(
        &'a self,
        file: &'a str,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<&'a str>> {
        if let Some(at) = way.iter().position(|passed| *passed == file) {
            return Some(way[at..].to_vec());
        }
        if !done.insert(file) {
            return None;
        }
        way.push(file);
        let mut next = self.0.get(file).into_iter().flatten();
        let found = next.find_map(|next| self.walk(next, way, done));
        way.pop();
        found
    }
}

/// The file in which what the path names is defined.
fn home(
    path: &[String],
    names: &BTreeSet<String>,
    exports: &BTreeMap<(String, String), Vec<String>>,
) -> Option<String> {
    let mut path = path.to_vec();
    // No name is exported more often than there are wings above it.
    for _ in 0..8 {
        let length = (0..=path.len()).rev();
        let length = { length }.find(|length| names.contains(&joined(&path[..*length])))?;
        let file = joined(&path[..length]);
        let next = path
            .get(length)
            .and_then(|name| exports.get(&(file.clone(), name.clone())));
        match next {
            Some(origin) => path.splice(..=length, origin.iter().cloned()),
            None => return Some(file),
        };
    }
    None
}

#[test]
fn no_circle_of_files() {
    let graph = Graph::of(&sources());
    let arrows: usize = graph.0.values().map(BTreeSet::len).sum();
    let wing = |file: &str| file.split("::").next().unwrap_or(file).to_owned();
    let between: BTreeSet<_> = { graph.0.iter() }
        .flat_map(|(file, arrows)| arrows.iter().map(move |to| (wing(file), wing(to))))
        .filter(|(from, to)| from != to && !from.is_empty())
        .collect();
    let wings: BTreeSet<_> = graph.0.keys().map(|file| wing(file)).collect();
    // With `cargo test no_circle -- --nocapture`.
    println!(
        "{} files, {arrows} arrows; {} rooms at the top, {} arrows between them",
        graph.0.len(),
        wings.len() - 1,
        between.len()
    );
    assert!(arrows > graph.0.len(), "imports are not seen");
    let circle = graph.circle();
    assert!(
        circle.is_none(),
        "these files import each other in a circle: {circle:?}"
    );
}
