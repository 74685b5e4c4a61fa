//! From events to the observed part of the record. Pure; the order of the events is the only input.

use std::collections::HashMap;

use crate::{Event, EventLine, Leg, Outcome, RunRecord, Test};

impl RunRecord {
    /// Folds a stream of events into a record without comparison, findings and verdict.
    ///
    /// `None` if the stream does not begin with [`Event::RunStarted`]. A stream that stops anywhere
    /// gives a record of all that was finished by then.
    #[must_use]
    pub fn from_events(lines: impl IntoIterator<Item = EventLine>) -> Option<Self> {
        let mut lines = lines.into_iter();
        let first = lines.next()?;
        let Event::RunStarted { schema_version, tool, run_id, host, project, settings } =
            first.event
        else {
            return None;
        };
        let record = Self {
            schema_version,
            tool,
            run_id,
            started_at: first.at,
            finished_at: None,
            interrupted: false,
            host,
            project,
            settings,
            notes: Vec::new(),
            legs: Vec::new(),
            experiments: Vec::new(),
            comparison: None,
            findings: Vec::new(),
            verdict: None,
        };
        let mut fold = Fold { record, tests: HashMap::new() };
        for line in lines {
            fold.apply(line);
        }
        Some(fold.finish())
    }
}

struct Fold {
    record: RunRecord,
    /// (leg, test id) -> position in that leg's tests.
    tests: HashMap<(String, String), usize>,
}

impl Fold {
    fn apply(&mut self, line: EventLine) {
        match line.event {
            Event::Noted(note) => self.record.notes.push(note),
            Event::ProjectDescribed { project } => self.record.project = project,
            Event::LegDescribed { leg, role, environment } => {
                match self.record.legs.iter_mut().find(|l| l.name == leg) {
                    Some(known) => {
                        known.images.clone_from(&environment.images);
                        known.environment = environment;
                    }
                    None => self.record.legs.push(Leg {
                        name: leg,
                        role,
                        images: environment.images.clone(),
                        environment,
                        steps: Vec::new(),
                        binaries: Vec::new(),
                        tests: Vec::new(),
                        artifacts: Vec::new(),
                        cold_builds: Vec::new(),
                        bench_runs: Vec::new(),
                        final_images: Vec::new(),
                    }),
                }
            }
            Event::StepFinished { leg, step } => {
                if let Some(leg) = self.leg(&leg) {
                    leg.steps.push(step);
                }
            }
            Event::BinaryFound { leg, binary } => {
                if let Some(leg) = self.leg(&leg) {
                    match leg.binaries.iter_mut().find(|b| b.id == binary.id) {
                        Some(known) => *known = binary,
                        None => leg.binaries.push(binary),
                    }
                }
            }
            Event::ArtifactBuilt { leg, artifact } => {
                if let Some(leg) = self.leg(&leg) {
                    leg.artifacts.push(artifact);
                }
            }
            Event::TestFound { leg, id } => {
                self.test(leg, id);
            }
            Event::TestSkipped { leg, id, outcome } => {
                if let Some(test) = self.test(leg, id) {
                    test.outcome = outcome;
                }
            }
            Event::TestFinished { leg, id, attempt } => {
                if let Some(test) = self.test(leg, id) {
                    test.attempts.push(attempt);
                }
            }
            Event::BuiltAgain { leg, build } => {
                if let Some(leg) = self.leg(&leg) {
                    leg.cold_builds.push(build);
                }
            }
            Event::Benchmarked { leg, results } => {
                if let Some(leg) = self.leg(&leg) {
                    leg.bench_runs.push(results);
                }
            }
            Event::ImageMade { leg, image } => {
                if let Some(leg) = self.leg(&leg) {
                    leg.final_images.push(image);
                }
            }
            Event::ExperimentFinished { experiment } => self.record.experiments.push(experiment),
            Event::RunFinished { interrupted } => {
                self.record.finished_at = Some(line.at);
                self.record.interrupted = interrupted;
            }
            Event::RunStarted { .. }
            | Event::StepStarted { .. }
            | Event::StepProgress { .. }
            | Event::TestStarted { .. } => {}
        }
    }

    fn leg(&mut self, name: &str) -> Option<&mut Leg> {
        self.record.legs.iter_mut().find(|l| l.name == name)
    }

    fn test(&mut self, leg: String, id: String) -> Option<&mut Test> {
        let tests = &mut self.record.legs.iter_mut().find(|l| l.name == leg)?.tests;
        let at = *self.tests.entry((leg, id.clone())).or_insert_with(|| {
            tests.push(Test { id, outcome: Outcome::of(&[]), attempts: Vec::new() });
            tests.len() - 1
        });
        tests.get_mut(at)
    }

    fn finish(mut self) -> RunRecord {
        for test in self.record.legs.iter_mut().flat_map(|l| &mut l.tests) {
            if !test.attempts.is_empty() {
                test.outcome = Outcome::of(&test.attempts);
            }
        }
        self.record
    }
}
