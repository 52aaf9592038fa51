//! What is packaged: manual pages, the image's files, the scripts of the Debian package.

use std::path::Path;
use std::process::Command;

use crate::support::daemon::poold;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn page(args: &[&str]) -> String {
    let output = poold(&[&["man"], args].concat()).output();
    let output = output.expect("poold starts");
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn every_command_that_the_manual_page_names_has_its_own() {
    let main = page(&[]);
    let named = main.lines().filter_map(|line| line.strip_suffix("(1)"));
    let commands: Vec<_> = named
        .filter_map(|name| name.strip_prefix(r"poold\-"))
        .collect();
    assert!(commands.len() >= 16, "{commands:?}");
    for command in commands {
        let page = page(&[command]);
        let title = format!(".TH poold-{command} 1 ");
        assert!(page.contains(&title), "{command}");
        let synopsis = format!(".SH SYNOPSIS\n.nf\npoold {command}");
        assert!(page.contains(&synopsis), "{command}");
        assert!(
            page.contains(".SH EXIT STATUS") && page.ends_with("poold(1)\n"),
            "{command}"
        );
        // What is said of the library's types is told here, too, and can't be a link.
        assert!(
            !page.contains("crate::") && !page.contains("]("),
            "{command}"
        );
    }
}

/// Whether a line of the ignore file lets this through: it begins with `*` and then makes exceptions.
fn is_let_through(ignore: &str, path: &str) -> bool {
    let mut exceptions = ignore.lines().filter_map(|line| line.strip_prefix('!'));
    exceptions.any(|exception| match exception.split_once('*') {
        Some((begin, end)) => path.starts_with(begin) && path.ends_with(end),
        None => path == exception || path.starts_with(&format!("{exception}/")),
    })
}

#[test]
fn the_image_gets_what_its_build_needs_and_no_more() {
    let ignore = read("scripts/Dockerfile.dockerignore");
    assert!(ignore.lines().any(|line| line == "*"));
    let dockerfile = read("scripts/Dockerfile");
    let copies = dockerfile.lines().filter_map(|line| {
        let words = line.strip_prefix("COPY ")?;
        (!words.contains("--from=")).then_some(words)
    });
    let mut copied = Vec::new();
    for words in copies {
        let mut words: Vec<_> = words.split(' ').collect();
        words.pop();
        copied.extend(words);
    }
    for path in &copied {
        assert!(is_let_through(&ignore, path), "{path} is not sent");
    }
    // What the manifest names has to be there.
    let manifest = read("Cargo.toml");
    let tables = manifest.split("[[").skip(1);
    let paths = tables.filter_map(|table| {
        let value = |key: &str| {
            let mut lines = table.lines();
            let line = lines.find_map(|line| line.strip_prefix(&format!("{key} = \"")))?;
            line.strip_suffix('"').map(str::to_owned)
        };
        match table.split("]]").next()? {
            "bench" => Some(format!("benches/{}.rs", value("name")?)),
            "test" => value("path"),
            _ => None,
        }
    });
    let paths: Vec<_> = paths.collect();
    assert!(paths.len() >= 3, "{paths:?}");
    for path in &paths {
        assert!(is_let_through(&ignore, path), "{path} is not sent");
        let is_copied = copied.iter().any(|copied| {
            let begin = copied.split('*').next().unwrap_or(copied);
            path.starts_with(begin)
        });
        assert!(is_copied, "{path} is not copied");
    }
}

#[test]
fn an_upgrade_of_the_package_is_a_take_over() {
    for name in ["postinst", "postrm"] {
        let path = format!("{}/scripts/debian/{name}", env!("CARGO_MANIFEST_DIR"));
        let checked = Command::new("sh").args(["-n", &path]).status();
        assert!(checked.expect("a shell").success(), "{name}");
        assert!(read(&format!("scripts/debian/{name}")).contains("\n#DEBHELPER#\n"));
    }
    assert!(read("scripts/debian/postinst").contains("deb-systemd-invoke reload poold.service"));
    // Else both units are restarted, and the port is closed for a moment.
    let manifest = read("Cargo.toml");
    for line in ["restart-after-upgrade = false", "stop-on-upgrade = false"] {
        assert!(manifest.contains(line), "{line}");
    }
}
