//! Sums of products of scores over nearby hours, with Bartlett's kernel.

use nalgebra::DMatrix;

use crate::clusters::Clusters;
use crate::matrix::{add_outer, mirror};
use crate::regression::Fit;

/// The sums of scores of each hour that has rows, in the order of time.
pub(crate) struct HourScores {
    pub(crate) hours: Vec<u32>,
    scores: Vec<Vec<f64>>,
}

impl HourScores {
    pub(crate) fn new(fit: &Fit<'_>, hours: &[u32]) -> Self {
        let mut distinct = hours.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let members = hours
            .iter()
            .map(|hour| distinct.partition_point(|other| other < hour) as u32);
        let clusters = Clusters {
            members: members.collect(),
            count: distinct.len(),
        };
        Self {
            scores: clusters.scores(fit),
            hours: distinct,
        }
    }

    /// The number of hours from the first to the last.
    pub(crate) fn span(&self) -> u32 {
        match (self.hours.first(), self.hours.last()) {
            (Some(first), Some(last)) => last - first + 1,
            _ => 0,
        }
    }

    /// The products of scores with Bartlett's weights 1 - l / S, S = lags + 1.
    ///
    /// They equal the products of the sums over all S-hour blocks, divided by S, because S - l blocks
    /// contain both of two hours that are l apart. This takes time proportional to the number of hours
    /// and independent of the lags. A sum changes when an hour enters the block or leaves it, so that
    /// gaps cost nothing.
    pub(crate) fn kernel_products(&self, lags: usize) -> DMatrix<f64> {
        let k = self.scores.first().map_or(0, Vec::len);
        let length = lags as u64 + 1;
        let mut products = DMatrix::zeros(k, k);
        let mut block = vec![0.0; k];
        let (mut entering, mut leaving, mut since) = (0, 0, 0);
        while leaving < self.hours.len() {
            let enters = self.hours.get(entering).map(|hour| u64::from(*hour));
            let leaves = u64::from(self.hours[leaving]) + length;
            let at = enters.map_or(leaves, |enters| enters.min(leaves));
            if entering > leaving {
                add_outer(&mut products, &block, (at - since) as f64);
            }
            since = at;
            if enters == Some(at) {
                block
                    .iter_mut()
                    .zip(&self.scores[entering])
                    .for_each(|(b, s)| *b += s);
                entering += 1;
            }
            if leaves == at {
                block
                    .iter_mut()
                    .zip(&self.scores[leaving])
                    .for_each(|(b, s)| *b -= s);
                leaving += 1;
            }
            if entering == leaving {
                block.fill(0.0);
            }
        }
        mirror(&mut products);
        products / length as f64
    }
}

/// 1.5 over the ratio of the kernel's length to the span: the equivalent degrees of freedom of
/// Bartlett's kernel (Priestley 1981, section 6.2; Lazarus, Lewis, Stock and Watson 2018).
pub(crate) fn kernel_degrees_of_freedom(span: f64, lags: usize) -> f64 {
    (1.5 * span / (lags as f64 + 1.0)).max(1.0)
}
