//! Medians, percentiles and means, of figures that were measured. Nothing is smoothed, and nothing is left out.

/// The middle of these figures, or the mean of the two in the middle; 0 where there are none.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let sorted = sorted(figures);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The smallest figure that at least `percent` of them do not exceed (nearest rank); 0 where there are none.
pub(crate) fn percentile(figures: &[f64], percent: f64) -> f64 {
    let sorted = sorted(figures);
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted
        .get(rank.saturating_sub(1).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}

/// The mean of these figures, and its standard error by their own spread; `None` for fewer than two, which have no spread.
pub(crate) fn mean_and_error(figures: &[f64]) -> Option<(f64, f64)> {
    if figures.len() < 2 {
        return None;
    }
    let count = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / count;
    let squares: f64 = figures.iter().map(|figure| (figure - mean).powi(2)).sum();
    Some((mean, (squares / (count - 1.0) / count).sqrt()))
}

/// Rounded to so many places, as figures are told.
pub(crate) fn rounded(figure: f64, places: i32) -> f64 {
    let factor = 10_f64.powi(places);
    (figure * factor).round() / factor
}

fn sorted(figures: &[f64]) -> Vec<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        for (figures, expected) in [
            (&[][..], 0.0),
            (&[7.0], 7.0),
            (&[9.0, 1.0, 5.0], 5.0),
            (&[4.0, 1.0, 3.0, 2.0], 2.5),
        ] {
            assert_eq!(median(figures), expected, "{figures:?}");
        }
    }

    #[test]
    fn a_percentile_is_a_figure_that_was_measured() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        for (figures, percent, expected) in [
            (&hundred[..], 50.0, 50.0),
            (&hundred, 99.0, 99.0),
            (&hundred, 100.0, 100.0),
            (&hundred, 0.0, 1.0),
            (&[3.0, 1.0, 2.0], 99.0, 3.0),
            (&[8.0], 50.0, 8.0),
            (&[], 99.0, 0.0),
        ] {
            assert_eq!(percentile(figures, percent), expected, "{percent} of {figures:?}");
        }
    }

    #[test]
    fn a_mean_is_told_with_its_error() {
        for (figures, expected) in [
            (&[][..], None),
            (&[2.0], None),
            (&[2.0, 2.0], Some((2.0, 0.0))),
            (&[1.0, 3.0], Some((2.0, 1.0))),
        ] {
            assert_eq!(mean_and_error(figures), expected, "{figures:?}");
        }
    }

    #[test]
    fn figures_are_rounded() {
        assert_eq!(rounded(1.2345, 2), 1.23);
        assert_eq!(rounded(-0.5, 0), -1.0);
    }
}
