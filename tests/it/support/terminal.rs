//! A real terminal: types into `tmux` and reads its screen.

use std::process::{Command, Stdio};

use crate::support::daemon::POOLD;
use crate::support::passed::lacks;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::wait_until;

pub const ROWS: usize = 24;

/// A tmux window of 80 columns with a shell command in it, on a tmux server of its own.
pub struct Terminal {
    scratch: Scratch,
}

impl Terminal {
    /// Runs `poold client ARGS…` and prints its exit code; `None` if `tmux` is not installed.
    pub fn client(environment: &[&str], args: &[&str]) -> Option<Terminal> {
        let client = format!(
            "env {} {POOLD} client {}",
            environment.join(" "),
            args.join(" ")
        );
        Terminal::shell_after(&client)
    }

    /// Runs a command and prints its exit code; `None` if `tmux` is not installed.
    pub fn shell_after(command: &str) -> Option<Terminal> {
        // The window stays to be looked at when the command has ended, and shows how it was left.
        let left = "stty -a | grep -we -icanon";
        Terminal::shell(&format!(
            "{command}; code=$?; {left}; echo exit code $code; read"
        ))
    }

    /// Runs a shell line; `None` if `tmux` is not installed.
    pub fn shell(line: &str) -> Option<Terminal> {
        let terminal = Terminal {
            scratch: Scratch::new(),
        };
        let size = ["-x", "80", "-y", &ROWS.to_string()].map(str::to_owned);
        let mut start = terminal.tmux(&["-f", "/dev/null", "new-session", "-d"]);
        start.args(size).arg(line);
        match start.status() {
            Ok(status) => assert!(status.success(), "tmux: {status}"),
            Err(_) => {
                lacks("tmux");
                return None;
            }
        }
        Some(terminal)
    }

    fn tmux(&self, args: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        let socket = self.scratch.join("tmux");
        command
            .args(["-u", "-S", text(&socket)])
            .args(args)
            .env_remove("TMUX")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn run(&self, args: &[&str]) -> String {
        let output = self.tmux(args).output().expect("tmux was there before");
        assert!(output.status.success(), "tmux {args:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Types text as it is.
    pub fn type_text(&self, text: &str) {
        self.run(&["send-keys", "-l", text]);
    }

    /// Presses keys by their names.
    pub fn press(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    /// Types a line and Enter.
    pub fn enter(&self, line: &str) {
        self.type_text(line);
        self.press(&["Enter"]);
    }

    /// Changes the window's width; tmux notifies the program a little later.
    pub fn resize(&self, columns: u16) {
        self.run(&["resize-window", "-x", &columns.to_string()]);
        let tty = self.run(&["display-message", "-p", "#{pane_tty}"]);
        wait_until("the program's terminal is as wide", || {
            let mut stty = Command::new("stty");
            stty.args(["-F", tty.trim(), "size"]);
            let size = stty.output().expect("coreutils").stdout;
            String::from_utf8_lossy(&size)
                .trim()
                .ends_with(&format!(" {columns}"))
        });
    }

    /// Pastes with bracketed paste, as terminals do.
    pub fn paste(&self, pasted: &str) {
        let file = self.scratch.join("pasted");
        std::fs::write(&file, pasted).expect("our own directory");
        self.run(&["load-buffer", text(&file)]);
        self.run(&["paste-buffer", "-p"]);
    }

    /// The visible lines, without empty ones at the end.
    pub fn screen(&self) -> Vec<String> {
        let all = self.run(&["capture-pane", "-p"]);
        all.trim_end().lines().map(str::to_owned).collect()
    }

    /// The same, with the lines that have scrolled off.
    pub fn history(&self) -> String {
        self.run(&["capture-pane", "-p", "-S", "-"])
    }

    /// The same, with colours as escape sequences.
    pub fn colours(&self) -> String {
        self.run(&["capture-pane", "-p", "-e"])
    }

    /// Waits until a line ends with `end`; returns the visible lines.
    pub fn wait_line(&self, end: &str) -> Vec<String> {
        let mut screen = Vec::new();
        wait_until(&format!("a line that ends with '{end}'"), || {
            screen = self.screen();
            screen.iter().any(|line| line.trim_end().ends_with(end))
        });
        screen
    }

    /// Waits until `text` is visible; returns the visible lines.
    pub fn wait_text(&self, text: &str) -> Vec<String> {
        let mut screen = Vec::new();
        wait_until(&format!("'{text}' on the screen"), || {
            screen = self.screen();
            screen.iter().any(|line| line.contains(text))
        });
        screen
    }

    /// Waits until the last line is `prompt`.
    pub fn wait_prompt(&self, prompt: &str) -> Vec<String> {
        let mut screen = Vec::new();
        wait_until(&format!("the prompt '{prompt}'"), || {
            screen = self.screen();
            screen.last().is_some_and(|line| line.trim_end() == prompt)
        });
        screen
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.tmux(&["kill-server"]).status();
    }
}
