//! Files that have a CI system ask the question every night and on every pull request: which files a
//! system needs, what stands in them, and what is left to do by hand. Takes a system; gives texts. What
//! writes them is `libcmatrix init --ci`.

use clap::ValueEnum;

/// What stands in a template where the version of libcmatrix belongs.
const VERSION: &str = "@LIBCMATRIX_VERSION@";

/// A CI system that there are templates for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CiSystem {
    /// GitHub Actions
    Github,
    /// GitLab CI/CD
    Gitlab,
    /// Woodpecker CI, on an agent of your own
    Woodpecker,
}

/// A file for a CI system.
#[derive(Clone, Debug)]
pub struct CiFile {
    /// Where it belongs, from the root of the repository.
    pub path: &'static str,
    /// What stands in it.
    pub text: String,
}

/// A path in the repository, and the template of what stands there.
type Template = (&'static str, &'static str);

const GITHUB: &[Template] = &[
    (
        ".github/workflows/libcmatrix-nightly.yml",
        include_str!("../templates/ci/github/nightly.yml"),
    ),
    (
        ".github/workflows/libcmatrix-pull-request.yml",
        include_str!("../templates/ci/github/pull-request.yml"),
    ),
];

const GITLAB: &[Template] =
    &[(".gitlab/libcmatrix.yml", include_str!("../templates/ci/gitlab/libcmatrix.yml"))];

const WOODPECKER: &[Template] = &[
    (
        ".woodpecker/libcmatrix-nightly.yaml",
        include_str!("../templates/ci/woodpecker/nightly.yaml"),
    ),
    (
        ".woodpecker/libcmatrix-pull-request.yaml",
        include_str!("../templates/ci/woodpecker/pull-request.yaml"),
    ),
];

impl CiSystem {
    /// The files that the system needs. They install the libcmatrix that they come from.
    #[must_use]
    pub fn files(self) -> Vec<CiFile> {
        let templates = match self {
            Self::Github => GITHUB,
            Self::Gitlab => GITLAB,
            Self::Woodpecker => WOODPECKER,
        };
        let text = |template: &str| template.replace(VERSION, env!("CARGO_PKG_VERSION"));
        templates.iter().map(|&(path, template)| CiFile { path, text: text(template) }).collect()
    }

    /// What is left to do by hand, one step an entry.
    #[must_use]
    pub fn next_steps(self) -> &'static [&'static str] {
        match self {
            Self::Github => &[
                "commit the files: the nights begin once they are on the default branch",
                "read in them what each job may do; a private repository may lack code scanning",
            ],
            Self::Gitlab => &[
                "add to .gitlab-ci.yml: include: [{ local: .gitlab/libcmatrix.yml }]",
                "make a pipeline schedule with the variable LIBCMATRIX_NIGHTLY = yes",
                "give the jobs a runner with privileged containers, as the file says at its top",
            ],
            Self::Woodpecker => &[
                "make a cron job with the name libcmatrix-nightly in the repository's settings",
                "have the project set to trusted, for privileged containers and volumes",
            ],
        }
    }
}
