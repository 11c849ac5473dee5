//! Weighted least squares with absorbed fixed effects.
//!
//! Terms: a *design* has named columns, a response and weights, all with the fixed effects absorbed
//! once. A *fit* regresses the response on some of the columns; fits of one design share its
//! cross-products, so that another set of columns costs little.
//!
//! Columns are dropped, and reported, if the fixed effects or earlier columns explain them. The
//! normal equations are solved on columns of norm 1 and refined once by the residuals (Björck 1996,
//! section 2.9), which restores what the squared condition number costs.

use std::num::NonZeroUsize;

use nalgebra::{DMatrix, DVector};
use thiserror::Error;

use crate::absorb::{AbsorbError, Absorber, FixedEffect};
use crate::matrix::{cross_products, dot, independent_columns, invert, select};

/// A column is dependent if other columns leave less than this share of its squares: the default
/// `collin.tol` of the R package fixest.
const COLLINEAR: f64 = 1e-9;
/// A column is explained by the fixed effects if they leave less than this share of its norm.
const EXPLAINED: f64 = 1e-7;
/// Steps of refinement of the coefficients.
const REFINEMENTS: usize = 2;

/// A regression that cannot be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RegressionError {
    /// Columns, response, weights and effects differ in length.
    #[error("a column has {have} rows where the response has {need}")]
    Length {
        /// The rows of the column.
        have: usize,
        /// The rows of the response.
        need: usize,
    },
    /// A value is not finite, or a weight is not above 0.
    #[error("row {row} has a value that is not finite, or a weight that is not above 0")]
    Value {
        /// The number of the row, from 0.
        row: usize,
    },
    /// No column varies beyond the fixed effects.
    #[error("the fixed effects explain all columns")]
    NoColumns,
    /// There are no more rows than parameters.
    #[error("{rows} rows do not suffice for {parameters} parameters")]
    Rows {
        /// The number of rows.
        rows: usize,
        /// The number of coefficients and levels.
        parameters: usize,
    },
    /// Fixed effects that do not converge.
    #[error(transparent)]
    Absorb(#[from] AbsorbError),
}

/// The columns of a regression.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// The response.
    pub response: &'a [f64],
    /// The weights, each above 0; the variance of a row is inversely proportional to it.
    pub weights: &'a [f64],
    /// The fixed effects; at least one, of a single level for a mere constant.
    pub effects: &'a [FixedEffect],
}

/// Columns and response with the fixed effects absorbed, times the square roots of the weights.
#[derive(Debug)]
pub struct Design<'a> {
    effects: &'a [FixedEffect],
    weights: &'a [f64],
    columns: Vec<Vec<f64>>,
    response: Vec<f64>,
    products: DMatrix<f64>,
    is_explained: Vec<bool>,
}

impl<'a> Design<'a> {
    /// Absorbs the fixed effects from the columns and the response, on this number of threads. Equal
    /// input gives equal bits for any number.
    ///
    /// # Errors
    /// [`RegressionError`] for input of unequal length or invalid values, and for fixed effects that
    /// do not converge.
    pub fn new(
        mut columns: Vec<Vec<f64>>,
        rows: Rows<'a>,
        threads: NonZeroUsize,
    ) -> Result<Self, RegressionError> {
        check(&columns, rows)?;
        columns.push(rows.response.to_vec());
        let norms: Vec<f64> = columns
            .iter_mut()
            .map(|column| centre(column, rows.weights))
            .collect();
        Absorber::new(rows.effects, rows.weights).absorb(&mut columns, threads)?;
        let roots: Vec<f64> = rows.weights.iter().map(|weight| weight.sqrt()).collect();
        for column in &mut columns {
            column.iter_mut().zip(&roots).for_each(|(v, r)| *v *= r);
        }
        let is_explained: Vec<bool> = columns
            .iter()
            .zip(norms)
            .map(|(column, norm)| dot(column, column).sqrt() <= EXPLAINED * norm)
            .collect();
        let slices: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
        let products = cross_products(&slices);
        let response = columns.pop().unwrap_or_default();
        Ok(Self {
            effects: rows.effects,
            weights: rows.weights,
            columns,
            response,
            products,
            is_explained,
        })
    }

    /// The number of rows.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.response.len()
    }

    /// The number of columns.
    #[must_use]
    pub fn column_count(&self) -> usize {
        self.columns.len()
    }

    /// The absorbed columns, and the response last.
    pub(crate) fn columns_and_response(&self) -> Vec<&[f64]> {
        let columns = self.columns.iter().chain([&self.response]);
        columns.map(Vec::as_slice).collect()
    }

    /// The cross-products of these columns.
    pub(crate) fn products(&self, columns: &[usize]) -> DMatrix<f64> {
        select(&self.products, columns)
    }

    pub(crate) fn weights(&self) -> &'a [f64] {
        self.weights
    }

    /// The fixed effects.
    #[must_use]
    pub fn effects(&self) -> &'a [FixedEffect] {
        self.effects
    }

    /// Regresses the response on these columns.
    ///
    /// # Errors
    /// [`RegressionError::NoColumns`] or [`RegressionError::Rows`] if nothing can be estimated.
    pub fn fit(&self, columns: &[usize]) -> Result<Fit<'_>, RegressionError> {
        self.fit_response(columns, &self.response)
    }

    /// Regresses a column on other columns: what remains of it is the part that only it explains.
    pub(crate) fn fit_column(
        &self,
        columns: &[usize],
        column: usize,
    ) -> Result<Fit<'_>, RegressionError> {
        self.fit_response(columns, &self.columns[column])
    }

    fn fit_response(
        &self,
        columns: &[usize],
        response: &[f64],
    ) -> Result<Fit<'_>, RegressionError> {
        let varying: Vec<usize> = columns
            .iter()
            .copied()
            .filter(|column| !self.is_explained[*column])
            .collect();
        let independent = independent_columns(&select(&self.products, &varying), COLLINEAR);
        let kept: Vec<usize> = independent.iter().map(|i| varying[*i]).collect();
        let inverse = invert(&select(&self.products, &kept)).filter(|_| !kept.is_empty());
        let inverse = inverse.ok_or(RegressionError::NoColumns)?;
        let parameters = kept.len() + absorbed_parameters(self.effects);
        let rows = self.row_count();
        if rows <= parameters {
            return Err(RegressionError::Rows { rows, parameters });
        }
        let mut coefficients = DVector::zeros(kept.len());
        let mut residuals = response.to_vec();
        for _ in 0..=REFINEMENTS {
            let gradient = kept.iter().map(|c| dot(&self.columns[*c], &residuals));
            let step = &inverse * DVector::from_iterator(kept.len(), gradient);
            for (column, step) in kept.iter().zip(step.iter()) {
                let column = &self.columns[*column];
                residuals
                    .iter_mut()
                    .zip(column)
                    .for_each(|(r, v)| *r -= step * v);
            }
            coefficients += step;
        }
        let dropped = columns.iter().copied().filter(|c| !kept.contains(c));
        Ok(Fit {
            dropped: dropped.collect(),
            design: self,
            kept,
            coefficients,
            residuals,
            inverse,
        })
    }
}

/// The parameters of fixed effects: the levels, less one for each effect after the first, which
/// repeats the constant (as the R package fixest counts them).
pub(crate) fn absorbed_parameters(effects: &[FixedEffect]) -> usize {
    let all: usize = effects.iter().map(FixedEffect::parameter_count).sum();
    all - effects.len().saturating_sub(1).min(all)
}

fn check(columns: &[Vec<f64>], rows: Rows<'_>) -> Result<(), RegressionError> {
    let need = rows.response.len();
    let lengths = columns
        .iter()
        .map(Vec::len)
        .chain([rows.weights.len()])
        .chain(rows.effects.iter().map(|effect| effect.levels().len()));
    for have in lengths {
        if have != need {
            return Err(RegressionError::Length { have, need });
        }
    }
    let is_valid = |row: &usize| {
        rows.response[*row].is_finite()
            && rows.weights[*row].is_finite()
            && rows.weights[*row] > 0.0
            && columns.iter().all(|column| column[*row].is_finite())
    };
    match (0..need).find(|row| !is_valid(row)) {
        Some(row) => Err(RegressionError::Value { row }),
        None => Ok(()),
    }
}

/// Subtracts the weighted mean, which the effects would remove, and returns the weighted norm.
fn centre(column: &mut [f64], weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    let mean = dot(column, weights) / total;
    column.iter_mut().for_each(|value| *value -= mean);
    let squares = column.iter().zip(weights).map(|(v, w)| w * v * v);
    squares.sum::<f64>().sqrt()
}

/// A regression of the response on columns of a design.
#[derive(Debug)]
pub struct Fit<'a> {
    design: &'a Design<'a>,
    kept: Vec<usize>,
    dropped: Vec<usize>,
    coefficients: DVector<f64>,
    residuals: Vec<f64>,
    inverse: DMatrix<f64>,
}

impl Fit<'_> {
    /// The indices of the estimated columns, in the order of the coefficients.
    #[must_use]
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// The indices of the columns that the fixed effects or earlier columns explain.
    #[must_use]
    pub fn dropped(&self) -> &[usize] {
        &self.dropped
    }

    /// The coefficients of the kept columns.
    #[must_use]
    pub fn coefficients(&self) -> &DVector<f64> {
        &self.coefficients
    }

    /// The position of a column among the coefficients; `None` if it was dropped.
    #[must_use]
    pub fn position(&self, column: usize) -> Option<usize> {
        self.kept.iter().position(|kept| *kept == column)
    }

    /// The residuals times the square roots of the weights.
    #[must_use]
    pub fn weighted_residuals(&self) -> &[f64] {
        &self.residuals
    }

    /// The kept columns, absorbed, times the square roots of the weights.
    pub(crate) fn columns(&self) -> Vec<&[f64]> {
        let columns = &self.design.columns;
        self.kept.iter().map(|c| columns[*c].as_slice()).collect()
    }

    /// The inverse of the cross-products of the kept columns.
    pub(crate) fn inverse(&self) -> &DMatrix<f64> {
        &self.inverse
    }

    /// The number of rows less that of coefficients and levels.
    pub(crate) fn residual_degrees_of_freedom(&self) -> f64 {
        let parameters = self.kept.len() + absorbed_parameters(self.design.effects);
        (self.row_count() - parameters.min(self.row_count() - 1)) as f64
    }

    #[cfg(test)]
    pub(crate) fn design(&self) -> &Design<'_> {
        self.design
    }

    /// The cross-products of the kept columns.
    pub(crate) fn products(&self) -> DMatrix<f64> {
        self.design.products(&self.kept)
    }

    pub(crate) fn effects(&self) -> &[FixedEffect] {
        self.design.effects
    }

    pub(crate) fn row_count(&self) -> usize {
        self.residuals.len()
    }
}
