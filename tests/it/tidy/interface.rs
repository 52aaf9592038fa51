//! The library's interface, item by item: no line of `interface.txt` may vanish or change, and no
//! trait may ask its implementers for more.
//!
//! The lines hold what is written in the source: names, signatures, fields, variants, derived and
//! written traits. They do not hold what the compiler derives (whether a type is `Send`), values of
//! constants and defaults, what a function does, or whether a field is new in a type that users
//! build without `..`. `scripts/semver.sh` sees the first and the last of these. An item that is
//! added is held from the next time that the file is written.

use std::collections::BTreeSet;
use std::path::Path;

use quote::ToTokens;
use syn::{Fields, ImplItem, Item, ItemImpl, TraitItem, UseTree, Visibility};

use super::source::{Source, sources};

const FILE: &str = "tests/it/tidy/interface.txt";

/// One entry for each item, after the module in which it stands.
struct Interface {
    entries: BTreeSet<String>,
    /// Public types, whose traits belong to the interface.
    types: BTreeSet<String>,
}

fn of(all: &[Source]) -> Interface {
    let mut found = Interface {
        entries: BTreeSet::new(),
        types: BTreeSet::new(),
    };
    let files = all
        .iter()
        .map(|source| (source.module().join("::"), parsed(source)));
    let files: Vec<_> = files.collect();
    for (module, file) in &files {
        file.items.iter().for_each(|item| found.item(module, item));
    }
    for (module, file) in &files {
        for item in &file.items {
            if let Item::Impl(block) = item {
                found.block(module, block);
            }
        }
    }
    found
}

fn parsed(source: &Source) -> syn::File {
    syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.path))
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// The words, with the spaces of a person.
fn words(tokens: impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (apart, joined) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        ("& ", "&"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" ,", ","),
        (" :", ":"),
        ("# [", "#["),
        ("' ", "'"),
        ("->", " ->"),
        ("  ", " "),
    ] {
        text = text.replace(apart, joined);
    }
    text
}

impl Interface {
    fn enter(&mut self, module: &str, text: &str) {
        let module = if module.is_empty() { "lib" } else { module };
        self.entries.insert(format!("{module}: {text}"));
    }

    fn item(&mut self, module: &str, item: &Item) {
        match item {
            Item::Fn(one) if is_public(&one.vis) => self.enter(module, &words(&one.sig)),
            Item::Const(one) if is_public(&one.vis) => {
                let (name, kind) = (&one.ident, words(&one.ty));
                self.enter(module, &format!("const {name}: {kind}"));
            }
            Item::Type(one) if is_public(&one.vis) => self.enter(module, &words(one)),
            Item::Mod(one) if is_public(&one.vis) => {
                self.enter(module, &format!("mod {}", one.ident))
            }
            Item::Use(one) if is_public(&one.vis) => self.uses(module, "use ", &one.tree),
            Item::Struct(one) if is_public(&one.vis) => {
                let name = format!("struct {}{}", one.ident, words(&one.generics));
                self.kind(module, &name, &one.ident, &one.attrs);
                self.fields(module, &one.ident.to_string(), &one.fields, false);
            }
            Item::Enum(one) if is_public(&one.vis) => {
                let name = format!("enum {}{}", one.ident, words(&one.generics));
                self.kind(module, &name, &one.ident, &one.attrs);
                for variant in &one.variants {
                    let name = format!("{}::{}", one.ident, variant.ident);
                    self.enter(module, &name);
                    self.fields(module, &name, &variant.fields, true);
                }
            }
            Item::Trait(one) if is_public(&one.vis) => {
                let bounds = words(&one.supertraits);
                self.enter(module, &format!("trait {}: {bounds}", one.ident));
                for item in &one.items {
                    let (text, is_given) = match item {
                        TraitItem::Fn(one) => (words(&one.sig), one.default.is_some()),
                        TraitItem::Type(one) => (words(&one.bounds), one.default.is_some()),
                        other => (words(other), false),
                    };
                    let kind = if is_given { "provided" } else { "required" };
                    self.enter(module, &format!("{}: {kind} {text}", one.ident));
                }
            }
            _ => {}
        }
    }

    fn kind(
        &mut self,
        module: &str,
        name: &str,
        ident: &syn::Ident,
        attributes: &[syn::Attribute],
    ) {
        self.types.insert(ident.to_string());
        self.enter(module, name);
        for attribute in attributes {
            if attribute.path().is_ident("derive") {
                let list = attribute.meta.require_list().expect("derive has a list");
                for one in words(&list.tokens).split(',') {
                    self.enter(module, &format!("impl {} for {ident}", one.trim()));
                }
            } else if attribute.path().is_ident("non_exhaustive") {
                self.enter(module, &format!("{ident} is non_exhaustive"));
            }
        }
    }

    fn fields(&mut self, module: &str, name: &str, fields: &Fields, all: bool) {
        for (number, field) in fields.iter().enumerate() {
            if all || is_public(&field.vis) {
                let label = field.ident.as_ref().map_or(number.to_string(), words);
                self.enter(module, &format!("{name}.{label}: {}", words(&field.ty)));
            }
        }
    }

    /// One entry for each name.
    fn uses(&mut self, module: &str, before: &str, tree: &UseTree) {
        match tree {
            UseTree::Path(one) => self.uses(module, &format!("{before}{}::", one.ident), &one.tree),
            UseTree::Group(group) => {
                let each = group.items.iter();
                each.for_each(|one| self.uses(module, before, one));
            }
            other => self.enter(module, &format!("{before}{}", words(other))),
        }
    }

    /// The public methods of a block, or the trait that it implements for a public type.
    fn block(&mut self, module: &str, block: &ItemImpl) {
        let name = words(&block.self_ty);
        let is_known = self
            .types
            .iter()
            .any(|known| name.split(['<', ' ']).any(|part| part == known));
        if let Some((_, path, _)) = &block.trait_ {
            if is_known && !block.attrs.iter().any(|one| one.path().is_ident("cfg")) {
                self.enter(module, &format!("impl {} for {name}", words(path)));
            }
            return;
        }
        for item in &block.items {
            match item {
                ImplItem::Fn(one) if is_public(&one.vis) => {
                    self.enter(module, &format!("{name}::{}", words(&one.sig)));
                }
                ImplItem::Const(one) if is_public(&one.vis) => {
                    let kind = words(&one.ty);
                    self.enter(module, &format!("{name}::const {}: {kind}", one.ident));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn nothing_vanishes_from_the_interface() {
    let mut all = sources();
    // The command's own code is public for its binary alone.
    let is_cli = |source: &Source| source.module().first().is_some_and(|room| room == "cli");
    all.retain(|source| !is_cli(source) && !source.is_test());
    let found = of(&all).entries;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    let text = std::fs::read_to_string(&path).expect("the file is there");
    let (head, known): (Vec<_>, Vec<_>) = text.lines().partition(|line| line.starts_with('#'));
    if std::env::var_os("WRITE_INTERFACE").is_some() {
        let lines = head.into_iter().chain(found.iter().map(String::as_str));
        let whole: String = lines.map(|line| format!("{line}\n")).collect();
        return std::fs::write(&path, whole).expect("the file can be written");
    }
    let known: BTreeSet<String> = known.into_iter().map(str::to_owned).collect();
    assert!(known.len() > 500, "{FILE} has lost its lines");
    let less = known.difference(&found).map(|line| format!("- {line}"));
    let more = found.difference(&known);
    let more = more.filter(|line| line.contains(": required "));
    let changes: Vec<_> = less.chain(more.map(|line| format!("+ {line}"))).collect();
    assert!(
        changes.is_empty(),
        "\nThese changes of the interface break users. If that is meant, CHANGELOG.md says so, the \
         version is one that may break, and this writes {FILE} anew:\n\
         WRITE_INTERFACE=1 cargo test --test it interface\n{}",
        changes.join("\n")
    );
}
