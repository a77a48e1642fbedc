//! Looks at the file system that the file is on, as far as Linux tells.

use std::path::Path;

use crate::backend::{Checkup, Warning};

/// Those that lack the locks or the shared memory that SQLite needs, or that forget.
const UNFIT: [(&[&str], &str); 2] = [
    (
        &[
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "smbfs",
            "9p",
            "ceph",
            "fuse.sshfs",
            "fuse.glusterfs",
            "afs",
            "lustre",
        ],
        "network file systems lack the locks that SQLite needs, and a file there gets damaged; put it on a local disk",
    ),
    (&["tmpfs", "ramfs"], "it is memory, and gone when the machine restarts; put it on a disk"),
];

pub(super) fn look_around(path: &Path) -> Checkup {
    let mut found = Checkup::default();
    match std::fs::read_to_string("/proc/self/mounts") {
        Ok(mounts) => found.warnings.extend(unfit(path, &mounts)),
        Err(why) => found.unchecked.push(format!("the file system: {why}")),
    }
    found
}

/// Each line is a device, a folder, a type and more; the longest folder that the path is in is its own, and the last
/// of several there.
fn unfit(path: &Path, mounts: &str) -> Option<Warning> {
    let mounted = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        // A space in a name is written as `\040`.
        Some((words.next()?.replace("\\040", " "), words.next()?))
    });
    let (_, kind) =
        mounted.filter(|(folder, _)| path.starts_with(folder)).max_by_key(|(folder, _)| folder.len())?;
    let (_, why) = UNFIT.iter().find(|(kinds, _)| kinds.contains(&kind))?;
    Some(Warning::FileSystem { kind: kind.into(), why })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::unfit;

    const MOUNTS: &str = "/dev/sda1 / ext4 rw 0 0\n\
                          server:/share /srv/shared\\040files nfs4 rw 0 0\n\
                          tmpfs /tmp tmpfs rw 0 0\n\
                          /dev/sdb1 /tmp/disk xfs rw 0 0\n";

    #[test]
    fn a_file_system_that_is_not_made_for_it_is_told() {
        let told =
            |path| unfit(Path::new(path), MOUNTS).map(|warning| warning.to_string()).unwrap_or_default();

        assert_eq!(told("/var/lib/jobs.db"), "");
        assert_eq!(told("/tmp/disk/jobs.db"), "", "the longest folder counts");
        assert!(
            told("/srv/shared files/jobs.db").contains("type `nfs4`: network file systems lack the locks")
        );
        assert!(told("/tmp/jobs.db").contains("type `tmpfs`: it is memory"));
        assert_eq!(told("/tmpfile"), "", "a folder is not the beginning of a name");
    }
}
