//! The images of an environment: made present, and pinned to what they are now.

use libcmatrix_schema::Image;

use super::recipe;
use crate::{
    engine::{Engine, LocalImage, PullProgress},
    environment::EnvironmentSpec,
    failure::{Failure, Result},
};

/// The two images of an environment.
#[derive(Clone, Debug)]
pub struct ResolvedImages {
    /// The image that compiles.
    pub builder: LocalImage,
    /// The image that tests run in.
    pub runtime: LocalImage,
}

impl ResolvedImages {
    /// For the record.
    #[must_use]
    pub fn describe(&self, spec: &EnvironmentSpec) -> Vec<Image> {
        [("builder", &spec.builder, &self.builder), ("runtime", &spec.runtime, &self.runtime)]
            .map(|(purpose, reference, image)| Image {
                purpose: purpose.into(),
                reference: reference.clone(),
                digest: image
                    .repo_digests
                    .first()
                    .and_then(|d| d.rsplit_once('@'))
                    .map_or_else(|| image.id.clone(), |(_, digest)| digest.to_owned()),
                from_registry: !image.repo_digests.is_empty(),
                unpacked_bytes: Some(image.size_bytes),
            })
            .into()
    }
}

/// Makes the images of `spec` present.
///
/// # Errors
/// One is not there and cannot be pulled, or is of another architecture than the engine's.
pub async fn resolve(
    engine: &dyn Engine,
    spec: &EnvironmentSpec,
    progress: &(dyn Fn(&str, PullProgress) + Send + Sync),
) -> Result<ResolvedImages> {
    Ok(ResolvedImages {
        builder: present(engine, &spec.builder, progress).await?,
        runtime: present(engine, &spec.runtime, progress).await?,
    })
}

async fn present(
    engine: &dyn Engine,
    reference: &str,
    progress: &(dyn Fn(&str, PullProgress) + Send + Sync),
) -> Result<LocalImage> {
    let image = match engine.find_image(reference).await? {
        Some(image) => image,
        None if recipe::makes(reference) => {
            return Err(Failure::environment(format!("the image {reference} is not there yet"))
                .because("it is not in any registry: it is made on this machine")
                .hint("make it with `libcmatrix images build` (some minutes, as root)"));
        }
        None => engine.pull_image(reference, &|p| progress(reference, p)).await.map_err(|failure| {
            let hint = "where no registry can be reached, `libcmatrix images build` makes a pair of images out of \
                        packages; or load an archive with `libcmatrix images load FILE`";
            failure.hint(hint)
        })?,
    };
    let architecture = engine.info().await?.architecture;
    if !image.architecture.is_empty() && !same_architecture(&image.architecture, &architecture) {
        return Err(Failure::environment(format!(
            "the image {reference} is for {}, the engine runs on {architecture}",
            image.architecture
        ))
        .because("under emulation neither crashes nor times mean anything")
        .hint("pull or load the image for this architecture"));
    }
    Ok(image)
}

/// Images name architectures as Go does, kernels as uname does.
fn same_architecture(image: &str, kernel: &str) -> bool {
    let as_go = match kernel {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    image == as_go || image == kernel
}

#[cfg(test)]
mod tests {
    use super::same_architecture;

    #[test]
    fn one_architecture_has_two_names() {
        assert!(same_architecture("amd64", "x86_64"));
        assert!(same_architecture("arm64", "aarch64"));
        assert!(!same_architecture("arm64", "x86_64"));
    }
}
