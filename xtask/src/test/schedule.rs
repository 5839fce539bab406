//! Which job may start now. Suites mostly wait for servers, so that several run side by side; what measures time, or has
//! the machine to itself, runs alone. Knows nothing of processes.

use super::load::{Load, Share};

/// Jobs that wait and run, by their numbers.
pub(super) struct Schedule {
    waiting: Vec<(usize, Load)>,
    running: Vec<(usize, Load)>,
    /// In half cores.
    capacity: usize,
}

impl Schedule {
    /// Jobs start in this order, but those that run alone come last, and one that does not fit lets others pass.
    pub(super) fn new(loads: &[Load], cores: usize) -> Self {
        let mut waiting: Vec<(usize, Load)> = loads.iter().copied().enumerate().collect();
        waiting.sort_by_key(|(_, load)| load.share == Share::Alone);
        Self {
            waiting,
            running: Vec::new(),
            capacity: 2 * cores.max(1),
        }
    }

    /// The next job to start, if one may start before another has ended.
    pub(super) fn start(&mut self) -> Option<usize> {
        let place = self.waiting.iter().position(|(_, load)| self.fits(load))?;
        let (job, load) = self.waiting.remove(place);
        self.running.push((job, load));
        Some(job)
    }

    /// Tells that a job has ended.
    pub(super) fn ended(&mut self, job: usize) {
        self.running.retain(|(running, _)| *running != job);
    }

    /// Whether nothing is left to wait for.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    fn fits(&self, load: &Load) -> bool {
        let running = || self.running.iter().map(|(_, load)| load);
        if running().any(|running| running.share == Share::Alone) || load.cargo && running().any(|other| other.cargo) {
            return false;
        }
        let taken: usize = running().map(|load| load.share.half_cores()).sum();
        match load.share {
            Share::Alone => taken == 0,
            share => taken == 0 || taken + share.half_cores() <= self.capacity,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF: Load = Load::of(Share::Half);
    const WHOLE: Load = Load::of(Share::Whole);
    const ALONE: Load = Load::of(Share::Alone);

    /// Starts what may start, ends the oldest, and so on; gives what ran at the same time after each start.
    fn play(loads: &[Load], cores: usize) -> Vec<Vec<usize>> {
        let mut schedule = Schedule::new(loads, cores);
        let mut seen = Vec::new();
        while !schedule.is_done() {
            while schedule.start().is_some() {}
            let running: Vec<usize> = schedule.running.iter().map(|(job, _)| *job).collect();
            assert!(!running.is_empty(), "nobody may start, though nobody runs");
            schedule.ended(running[0]);
            seen.push(running);
        }
        seen
    }

    #[test]
    fn halves_share_the_cores_and_those_alone_come_last() {
        let seen = play(&[ALONE, HALF, HALF, WHOLE, HALF], 2);
        assert_eq!(seen, [vec![1, 2, 3], vec![2, 3, 4], vec![3, 4], vec![4], vec![0]]);
    }

    #[test]
    fn what_does_not_fit_lets_others_pass() {
        let seen = play(&[HALF, WHOLE, WHOLE, HALF], 2);
        assert_eq!(seen[0], [0, 1, 3]);
    }

    #[test]
    fn cargo_is_called_by_one_at_a_time() {
        let cargo = Load { cargo: true, ..HALF };
        let seen = play(&[cargo, cargo, HALF], 2);
        assert_eq!(seen, [vec![0, 2], vec![2, 1], vec![1]]);
    }

    #[test]
    fn one_core_runs_everything_in_the_end() {
        let seen = play(&[WHOLE, HALF, ALONE, WHOLE], 1);
        assert_eq!(seen, [vec![0], vec![1], vec![3], vec![2]]);
    }
}
