//! What an image that a run has made consists of, as a bill of materials. Pure: takes the record; gives
//! CycloneDX 1.5 (<https://cyclonedx.org/docs/1.5/json>).
//!
//! Packages are those of the base's package manager, crates those that the programs are compiled of. Each
//! has a package URL (<https://github.com/package-url/purl-spec>), by which scanners find what is known of it.

use cyclonedx_bom::{
    external_models::{date_time::DateTime, spdx::SpdxExpression, uri::Purl},
    models::{
        bom::{Bom, UrnUuid},
        component::{Classification, Component, Components},
        license::{LicenseChoice, Licenses},
        metadata::Metadata,
        tool::{Tool, Tools},
    },
};
use libcmatrix_schema::{CompiledCrate, FinalImage, InstalledPackage, Leg, Role, RunRecord};
use purl::GenericPurlBuilder;
use sha2::{Digest, Sha256};

use super::{chosen_image::chosen_image, sanitise::sanitise_line};
use crate::failure::{Failure, Result};

/// Writes the bill for one side; with `empty`, of the image that has nothing but the programs.
///
/// # Errors
/// The run has made no such image.
pub fn render(record: &RunRecord, side: Role, empty: bool) -> Result<String> {
    let (leg, image) = chosen_image(record, side, empty)?;
    let bom = bill(record, leg, image);
    let mut text = Vec::new();
    bom.output_as_json_v1_5(&mut text)
        .map_err(|error| Failure::bug("the bill of materials cannot be written").because(error))?;
    text.push(b'\n');
    String::from_utf8(text)
        .map_err(|error| Failure::bug("the bill of materials is no text").because(error))
}

fn bill(record: &RunRecord, leg: &Leg, image: &FinalImage) -> Bom {
    let tool = Tool::new("libcmatrix", "libcmatrix", &record.tool.version);
    let mut whole = component(Classification::Container, &record.project.name, &image.id);
    whole.bom_ref = Some("image".into());
    let metadata = Metadata {
        timestamp: DateTime::try_from(record.started_at.clone()).ok(),
        tools: Some(Tools::List(vec![tool])),
        component: Some(whole),
        ..Metadata::default()
    };
    let mut components = Vec::new();
    if image.base.is_some() {
        let environment = &leg.environment;
        let (distro, release) = (&environment.distro, &environment.release);
        components.push(component(Classification::OperatingSystem, distro, release));
    }
    components.extend(image.contents.packages.iter().map(|p| of_package(p, leg, image)));
    components.extend(image.crates.iter().map(of_crate));
    for (n, component) in components.iter_mut().enumerate() {
        component.bom_ref = Some(format!("component-{n}"));
    }
    Bom {
        serial_number: serial_number(record, leg, image),
        metadata: Some(metadata),
        components: Some(Components(components)),
        ..Bom::default()
    }
}

/// One for each image of each run, and always the same.
fn serial_number(record: &RunRecord, leg: &Leg, image: &FinalImage) -> Option<UrnUuid> {
    let hash = Sha256::digest(format!("{} {} {}", record.run_id, leg.name, image.id));
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    // Version 8: of one's own making (RFC 9562).
    let [a, b, c, d, e] = [&hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30]];
    UrnUuid::new(format!("urn:uuid:{a}-{b}-8{c}-8{d}-{e}")).ok()
}

fn component(kind: Classification, name: &str, version: &str) -> Component {
    Component::new(kind, &sanitise_line(name), &sanitise_line(version), None)
}

fn of_package(package: &InstalledPackage, leg: &Leg, image: &FinalImage) -> Component {
    let mut component = component(Classification::Library, &package.name, &package.version);
    let has_apk = image.contents.package_managers.iter().any(|path| path.ends_with("/apk"));
    let is_apk = has_apk || leg.environment.distro == "alpine";
    let kind = if is_apk { "apk" } else { "deb" };
    let distro = format!("{}-{}", leg.environment.distro, leg.environment.release);
    let purl = GenericPurlBuilder::new(kind.to_owned(), package.name.as_str())
        .with_namespace(leg.environment.distro.as_str())
        .with_version(package.version.as_str())
        .with_qualifier("distro", distro)
        .and_then(GenericPurlBuilder::build);
    component.purl = purl.ok().and_then(|purl| purl.to_string().parse::<Purl>().ok());
    component.licenses = licences(package.licence.as_deref());
    component
}

fn of_crate(compiled: &CompiledCrate) -> Component {
    let mut component = component(Classification::Library, &compiled.name, &compiled.version);
    if compiled.is_published {
        component.purl = Purl::new("cargo", &compiled.name, &compiled.version).ok();
    }
    component.licenses = licences(compiled.licence.as_deref());
    component
}

/// As an expression where it is one; package managers also have names of their own.
fn licences(text: Option<&str>) -> Option<Licenses> {
    let text = text.map(sanitise_line).filter(|text| !text.is_empty())?;
    // Older manifests write `MIT/Apache-2.0`.
    let choice = match SpdxExpression::parse_lax(text.clone()) {
        Ok(expression) => LicenseChoice::Expression(expression),
        Err(_) => LicenseChoice::license(&text),
    };
    Some(Licenses(vec![choice]))
}

#[cfg(test)]
mod tests {
    use cyclonedx_bom::{models::bom::SpecVersion, validation::Validate};

    use super::*;

    fn record() -> RunRecord {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/records/program-crashes.json");
        let text = std::fs::read_to_string(path).expect("a record");
        let mut record: RunRecord = serde_json::from_str(&text).expect("a record");
        let image = &mut record.legs[1].final_images[0];
        let compiled = |name: &str, is_published, licence: Option<&str>| CompiledCrate {
            name: name.into(),
            version: "1.2.3".into(),
            is_published,
            licence: licence.map(str::to_owned),
        };
        image.crates = vec![
            compiled("own", false, None),
            compiled("serde", true, Some("MIT OR Apache-2.0")),
            compiled("odd\u{1b}[31m", true, Some("MIT/\u{202e}Custom")),
        ];
        image.contents.packages.push(InstalledPackage {
            name: "libstdc++".into(),
            version: "14.2.0-r4".into(),
            bytes: 1,
            licence: Some("GPL-2.0-or-later AND LGPL-2.1-or-later".into()),
        });
        record
    }

    #[test]
    fn what_is_written_is_valid_and_names_everything() {
        let record = record();
        for (side, empty) in
            [(Role::Baseline, false), (Role::Candidate, false), (Role::Candidate, true)]
        {
            let text = render(&record, side, empty).expect("written");
            assert_eq!(text, render(&record, side, empty).expect("written"));
            let bom = Bom::parse_from_json_v1_5(text.as_bytes()).expect("it reads itself");
            let result = bom.validate_version(SpecVersion::V1_5);
            assert!(result.passed(), "{result:?}");
        }
        let text = render(&record, Role::Candidate, false).expect("written");
        let bill: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let purls: Vec<&str> = bill["components"]
            .as_array()
            .expect("components")
            .iter()
            .filter_map(|component| component["purl"].as_str())
            .collect();
        assert!(purls.contains(&"pkg:cargo/serde@1.2.3"), "{purls:?}");
        let apk = purls.iter().find(|purl| purl.contains("libstdc")).expect("an apk");
        assert!(apk.starts_with("pkg:apk/alpine/libstdc++@14.2.0-r4?distro=alpine-"), "{apk}");
        assert!(!purls.iter().any(|purl| purl.contains("own")), "it is nowhere published");
        assert!(!text.contains("\\u001b") && !text.contains('\u{202e}'));
    }
}
