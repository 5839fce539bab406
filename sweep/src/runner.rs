//! Runs cases on several lanes at once. Which cases are judged good is not known here.

use crate::{
    case::Case,
    history,
    lane::{Lane, Numbered},
};
use anyhow::{Context, Result};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque, hash_map::DefaultHasher},
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// What to run, and where.
pub struct Plan {
    /// The operator with failpoints.
    pub program: PathBuf,
    /// Where histories and logs go; emptied first.
    pub folder: PathBuf,
    /// Everything that is left to chance follows from it.
    pub seed: u64,
    /// How many lanes.
    pub lanes: usize,
    /// The cases. One that stands there several times is run as often, each time with another seed.
    pub cases: Vec<Case>,
}

/// What the surroundings did to the run.
pub struct Report {
    /// Cases that could not be carried out, and why.
    pub broken: Vec<String>,
}

/// Runs the cases of a plan.
///
/// # Errors
/// When a lane cannot be started or its histories not be written.
pub fn run(plan: &Plan) -> Result<Report> {
    if plan.folder.exists() {
        fs::remove_dir_all(&plan.folder).with_context(|| format!("empty {}", plan.folder.display()))?;
    }
    fs::create_dir_all(&plan.folder).with_context(|| format!("make {}", plan.folder.display()))?;
    let mut cases = numbered(&plan.cases, plan.seed);
    // Operators are started anew where the crew changes.
    cases.sort_by_key(|case| case.case.crew);
    let queue = Mutex::new(VecDeque::from(cases.clone()));
    let broken = Mutex::new(Vec::new());
    let lanes = plan.lanes.clamp(1, cases.len().max(1));
    let results = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..lanes)
            .map(|number| {
                let (cases, queue, broken) = (&cases, &queue, &broken);
                scope.spawn(move || serve(plan, number, cases, queue, broken))
            })
            .collect();
        let joined = lanes.into_iter().map(|lane| lane.join());
        joined
            .map(|result| result.unwrap_or_else(|_| Err(anyhow::anyhow!("a lane panicked; see its message above"))))
            .collect::<Vec<Result<()>>>()
    });
    results.into_iter().collect::<Result<Vec<()>>>()?;
    Ok(Report {
        broken: broken.into_inner().unwrap_or_else(PoisonError::into_inner),
    })
}

/// The seed of a case depends on its name and not on what else is run, so that it is the same alone. Where it is run again,
/// it is so as in a sweep with the next seed.
fn numbered(cases: &[Case], seed: u64) -> Vec<Numbered> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut numbered = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let earlier = seen.entry(&case.name).or_default();
        let sweep_seed = seed.wrapping_add(*earlier as u64);
        let mut hasher = DefaultHasher::new();
        (sweep_seed, &case.name).hash(&mut hasher);
        numbered.push(Numbered {
            number,
            sweep_seed,
            seed: hasher.finish(),
            earlier: *earlier,
            case: case.clone(),
        });
        *earlier += 1;
    }
    numbered
}

/// One lane: takes cases from the queue until it is empty.
fn serve(
    plan: &Plan,
    number: usize,
    cases: &[Numbered],
    queue: &Mutex<VecDeque<Numbered>>,
    broken: &Mutex<Vec<String>>,
) -> Result<()> {
    let name = format!("lane{number}");
    let mut lane = start(plan, &name, cases)?;
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(case) = next else { break };
        let begun = Instant::now();
        if let Err(error) = lane.run(&case) {
            // At once, since a lane that ends for another reason takes the report with it.
            eprintln!("not carried out: {error:#}");
            eprintln!("    again: {}", history::command(&case.case.name, case.sweep_seed));
            let mut broken = broken.lock().unwrap_or_else(PoisonError::into_inner);
            broken.push(format!("{error:#}"));
        }
        println!("{:>6.1} s  {}", begun.elapsed().as_secs_f32(), case.label());
    }
    lane.finish(&name)
}

fn start(plan: &Plan, name: &str, cases: &[Numbered]) -> Result<Lane> {
    Lane::start(name, &plan.program, &plan.folder, cases).with_context(|| format!("start {name}"))
}

/// The cases that these words choose: the one of this name, else all whose name contains the word; all without words.
pub fn chosen(cases: Vec<Case>, words: &[String]) -> Vec<Case> {
    let names: BTreeSet<String> = cases.iter().map(|case| case.name.clone()).collect();
    let fits = |name: &str, word: &String| name == word || !names.contains(word) && name.contains(word.as_str());
    let is_chosen = |case: &Case| words.is_empty() || words.iter().any(|word| fits(&case.name, word));
    cases.into_iter().filter(is_chosen).collect()
}

/// Where a run of this workspace leaves its histories.
pub fn usual_folder(target: &Path) -> PathBuf {
    target.join("sweep")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_is_run_again_has_another_seed_and_is_the_same_alone() {
        let cases = crate::cases::all();
        let (once, twice) = (&cases[0], &cases[1]);
        let together = numbered(&[once, twice, twice].map(Clone::clone), 5);
        let labels: Vec<String> = together.iter().map(Numbered::label).collect();
        let expected = [once.name.clone(), twice.name.clone(), format!("{}@2", twice.name)];
        assert_eq!(labels, expected);
        for case in &together {
            let alone = numbered(std::slice::from_ref(&case.case), case.sweep_seed);
            assert_eq!(alone[0].seed, case.seed, "{}", case.label());
        }
        assert_ne!(together[1].seed, together[2].seed);
    }

    #[test]
    fn a_word_is_a_name_or_a_part_of_names() {
        let check = |words: &[&str], expected: &[&str]| {
            let cases = ["a/kill", "a/kill/pair", "b/kill/pair"].map(|name| {
                let mut case = crate::cases::all().remove(0);
                case.name = name.into();
                case
            });
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            let chosen = chosen(cases.to_vec(), &words);
            let names: Vec<&str> = chosen.iter().map(|case| case.name.as_str()).collect();
            assert_eq!(names, expected, "{words:?}");
        };
        check(&[], &["a/kill", "a/kill/pair", "b/kill/pair"]);
        check(&["a/kill"], &["a/kill"]);
        check(&["kill/"], &["a/kill/pair", "b/kill/pair"]);
        check(&["a/kill", "b/"], &["a/kill", "b/kill/pair"]);
        check(&["c"], &[]);
    }
}
