//! Whether others can get at the folder and what is in it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Finding;
use crate::cli::commands::rotate::shell_word;

/// Bits of a mode that let others in.
const OTHERS: u32 = 0o077;
/// Most files that are looked at in one folder.
const MOST_FILES: usize = 4096;

/// Looks at the modes of the folder, of `private/`, and of every file in both. A
/// folder that is missing, or that cannot be read, is told by the store itself.
pub(super) fn examine(folder: &Path, findings: &mut Vec<Finding>) {
    let Ok(facts) = fs::symlink_metadata(folder) else {
        return;
    };
    if !facts.is_dir() {
        return;
    }
    let before = findings.len();
    let mut count: usize = 1;
    look(folder, facts.permissions().mode(), true, findings);
    for place in [folder.to_path_buf(), folder.join("private")] {
        let Ok(entries) = fs::read_dir(&place) else {
            continue;
        };
        for entry in entries.flatten().take(MOST_FILES) {
            let Ok(facts) = entry.metadata() else {
                continue;
            };
            count = count.saturating_add(1);
            if facts.is_symlink() {
                findings.push(Finding::wrong(
                    "store_not_a_plain_file",
                    format!("{} is a symbolic link", word(&entry.path())),
                    "find out who put it there, then remove it",
                ));
                continue;
            }
            look(
                &entry.path(),
                facts.permissions().mode(),
                facts.is_dir(),
                findings,
            );
        }
    }
    if findings.len() == before {
        let message = format!("{count} files and folders, none of them open to others");
        findings.push(Finding::well("permissions", message));
    }
}

fn look(path: &Path, mode: u32, is_folder: bool, findings: &mut Vec<Finding>) {
    if mode & OTHERS == 0 {
        return;
    }
    let place = word(path);
    let right = match is_folder {
        true => "700",
        false => "600",
    };
    findings.push(Finding::wrong(
        "store_exposed",
        format!("{place} is open to others: mode {:04o}", mode & 0o7777),
        format!("mend it with: chmod {right} {place}"),
    ));
}

pub(super) fn word(path: &Path) -> String {
    shell_word(&path.to_string_lossy())
}
