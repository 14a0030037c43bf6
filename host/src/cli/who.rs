//! Who runs the program, for the audit.

use nix::unistd::{Uid, User};

/// The system's name of the user; the one behind `sudo` beside it, which root alone can vouch for.
pub fn who() -> String {
    let uid = Uid::effective();
    let name = match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        _ => format!("uid {uid}"),
    };
    named(name, uid.is_root(), std::env::var("SUDO_USER").ok().as_deref())
}

fn named(name: String, is_root: bool, behind: Option<&str>) -> String {
    match behind.filter(|behind| is_root && !behind.is_empty() && *behind != name) {
        Some(behind) => format!("{name} (for {behind})"),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_behind_sudo_is_told_by_root_alone() {
        for (name, root, behind, told) in [
            ("ann", false, None, "ann"),
            ("root", true, Some("ann"), "root (for ann)"),
            ("root", true, Some("root"), "root"),
            ("root", true, Some(""), "root"),
            ("ann", false, Some("ben"), "ann"),
        ] {
            assert_eq!(named(name.to_owned(), root, behind), told);
        }
        assert!(!who().is_empty());
    }
}
