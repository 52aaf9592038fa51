//! A real terminal: `tmux`, typed into and looked at.

use std::process::{Command, Stdio};

use crate::support::daemon::POOLD;
use crate::support::passed::lacks;
use crate::support::scratch::{Scratch, text};
use crate::support::spool::wait_until;

pub const ROWS: usize = 24;

/// One window, 80 columns wide, with a shell command in it. Its server is its own, and ends with
/// it.
pub struct Terminal {
    scratch: Scratch,
}

impl Terminal {
    /// `poold client ARGS…`, and then its exit code; nothing if `tmux` is not installed.
    pub fn client(environment: &[&str], args: &[&str]) -> Option<Terminal> {
        let client = format!(
            "env {} {POOLD} client {}",
            environment.join(" "),
            args.join(" ")
        );
        // The window stays to be looked at when the client has ended, and shows how it was left.
        let left = "stty -a | grep -we -icanon";
        Terminal::shell(&format!(
            "{client}; code=$?; {left}; echo exit code $code; read"
        ))
    }

    /// A line of a shell; nothing if `tmux` is not installed.
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

    /// Types a line, as a person does.
    pub fn enter(&self, line: &str) {
        self.type_text(line);
        self.press(&["Enter"]);
    }

    /// Gives the window another width; `tmux` tells the program a little later.
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

    /// Pastes as terminals do.
    pub fn paste(&self, pasted: &str) {
        let file = self.scratch.join("pasted");
        std::fs::write(&file, pasted).expect("our own directory");
        self.run(&["load-buffer", text(&file)]);
        self.run(&["paste-buffer", "-p"]);
    }

    /// What is to be seen, without empty lines at the end.
    pub fn screen(&self) -> Vec<String> {
        let all = self.run(&["capture-pane", "-p"]);
        all.trim_end().lines().map(str::to_owned).collect()
    }

    /// The same, with what has gone off the top.
    pub fn history(&self) -> String {
        self.run(&["capture-pane", "-p", "-S", "-"])
    }

    /// The same, with its colours as escape sequences.
    pub fn colours(&self) -> String {
        self.run(&["capture-pane", "-p", "-e"])
    }

    /// Waits until a line ends so; answers what is to be seen then.
    pub fn wait_line(&self, end: &str) -> Vec<String> {
        let mut screen = Vec::new();
        wait_until(&format!("a line that ends with '{end}'"), || {
            screen = self.screen();
            screen.iter().any(|line| line.trim_end().ends_with(end))
        });
        screen
    }

    /// Waits until this is to be seen; answers what is to be seen then.
    pub fn wait_text(&self, text: &str) -> Vec<String> {
        let mut screen = Vec::new();
        wait_until(&format!("'{text}' on the screen"), || {
            screen = self.screen();
            screen.iter().any(|line| line.contains(text))
        });
        screen
    }

    /// Waits until the last line is this.
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
