//! Cross-products of long columns, and factors of small matrices of deficient rank.
//!
//! Sums run in a fixed order with eight accumulators, so that equal columns give equal bits on every
//! machine.

use nalgebra::{DMatrix, DVector};

/// Rows of a block that stays in the cache while all pairs of columns pass over it.
const BLOCK_ROWS: usize = 256;
const ACCUMULATORS: usize = 8;
/// Below this share of the largest, an eigenvalue of a correlation matrix counts as 0.
const SINGULAR: f64 = 1e-9;

/// The dot product of two columns.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_chunks, a_rest) = a.as_chunks::<ACCUMULATORS>();
    let (b_chunks, b_rest) = b.as_chunks::<ACCUMULATORS>();
    let mut sums = [0.0; ACCUMULATORS];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// The matrix of the dot products of all pairs of columns.
pub(crate) fn cross_products(columns: &[&[f64]]) -> DMatrix<f64> {
    let mut products = DMatrix::zeros(columns.len(), columns.len());
    let rows = columns.first().map_or(0, |column| column.len());
    for start in (0..rows).step_by(BLOCK_ROWS) {
        let block = start..rows.min(start + BLOCK_ROWS);
        let block: Vec<&[f64]> = columns
            .iter()
            .map(|column| &column[block.clone()])
            .collect();
        add_cross_products(&mut products, &block);
    }
    mirror(&mut products);
    products
}

/// Adds the dot products of all pairs of columns to the lower triangle.
pub(crate) fn add_cross_products(products: &mut DMatrix<f64>, columns: &[&[f64]]) {
    for (i, a) in columns.iter().enumerate() {
        for (j, b) in columns.iter().enumerate().take(i + 1) {
            products[(i, j)] += dot(a, b);
        }
    }
}

/// Adds the outer product of a row with itself, times `factor`, to the lower triangle.
pub(crate) fn add_outer(matrix: &mut DMatrix<f64>, row: &[f64], factor: f64) {
    for (j, b) in row.iter().enumerate() {
        let scaled = factor * b;
        for (i, a) in row.iter().enumerate().skip(j) {
            matrix[(i, j)] += a * scaled;
        }
    }
}

/// Copies the lower triangle to the upper one.
pub(crate) fn mirror(matrix: &mut DMatrix<f64>) {
    matrix.fill_upper_triangle_with_lower_triangle();
}

/// The columns that do not depend on those before them, by a Cholesky factorization in the given
/// order: a column is dependent if the earlier ones leave less than `tolerance` of its squared norm
/// (the `collin.tol` of the R package fixest).
pub(crate) fn independent_columns(products: &DMatrix<f64>, tolerance: f64) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::new();
    // The rows of the factor that belong to kept columns, over all columns.
    let mut factor: Vec<Vec<f64>> = Vec::new();
    for j in 0..products.nrows() {
        let explained: f64 = factor.iter().map(|row| row[j] * row[j]).sum();
        let pivot = products[(j, j)] - explained;
        // The negation also drops a column without variance, whose pivot is 0.
        if pivot <= tolerance * products[(j, j)] || pivot.is_nan() {
            continue;
        }
        let root = pivot.sqrt();
        let row = (0..products.nrows())
            .map(|i| {
                let before: f64 = factor.iter().map(|row| row[i] * row[j]).sum();
                (products[(i, j)] - before) / root
            })
            .collect();
        factor.push(row);
        kept.push(j);
    }
    kept
}

/// The sub-matrix of these rows and columns.
pub(crate) fn select(matrix: &DMatrix<f64>, indices: &[usize]) -> DMatrix<f64> {
    DMatrix::from_fn(indices.len(), indices.len(), |i, j| {
        matrix[(indices[i], indices[j])]
    })
}

/// The inverse of a positive definite matrix, computed on columns of norm 1. `None` if it is not
/// positive definite.
pub(crate) fn invert(matrix: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let scale = matrix.diagonal().map(|value| value.sqrt().recip());
    let scaled = DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |i, j| {
        matrix[(i, j)] * scale[i] * scale[j]
    });
    let mut inverse = scaled.cholesky()?.inverse();
    for j in 0..inverse.ncols() {
        for i in 0..inverse.nrows() {
            inverse[(i, j)] *= scale[i] * scale[j];
        }
    }
    inverse
        .iter()
        .all(|value| value.is_finite())
        .then_some(inverse)
}

/// The quadratic form vᵀ V⁺ v with the pseudo-inverse of a positive semidefinite matrix, and the rank.
pub(crate) fn quadratic_form(matrix: &DMatrix<f64>, vector: &DVector<f64>) -> (f64, usize) {
    // Correlations instead of covariances, so that units do not matter for the rank.
    let scale = matrix.diagonal().map(|value| {
        let is_positive = value > 0.0 && value.is_finite();
        if is_positive {
            value.sqrt().recip()
        } else {
            0.0
        }
    });
    let scaled = DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |i, j| {
        matrix[(i, j)] * scale[i] * scale[j]
    });
    let eigen = scaled.symmetric_eigen();
    let largest = eigen.eigenvalues.max();
    let scores = eigen.eigenvectors.tr_mul(&vector.component_mul(&scale));
    let (mut form, mut rank) = (0.0, 0);
    for (score, value) in scores.iter().zip(eigen.eigenvalues.iter()) {
        if *value > largest * SINGULAR && *value > 0.0 {
            form += score * score / value;
            rank += 1;
        }
    }
    (form, rank)
}
/// The inverse of a positive definite matrix, or the pseudo-inverse of a singular one, where `whole`
/// has the diagonal that it is small in comparison with.
pub(crate) fn pseudo_invert(matrix: &DMatrix<f64>, whole: &DMatrix<f64>) -> DMatrix<f64> {
    let scale = whole.diagonal().map(|value| {
        if value > 0.0 {
            value.sqrt().recip()
        } else {
            0.0
        }
    });
    let scaled = DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |i, j| {
        matrix[(i, j)] * scale[i] * scale[j]
    });
    let unscale = |inverse: DMatrix<f64>| {
        DMatrix::from_fn(inverse.nrows(), inverse.ncols(), |i, j| {
            inverse[(i, j)] * scale[i] * scale[j]
        })
    };
    if let Some(cholesky) = scaled.clone().cholesky() {
        let smallest = cholesky.l_dirty().diagonal().min();
        if smallest * smallest > SINGULAR {
            return unscale(cholesky.inverse());
        }
    }
    let eigen = scaled.symmetric_eigen();
    let limit = SINGULAR * eigen.eigenvalues.max().max(0.0);
    let inverse = eigen
        .eigenvalues
        .map(|value| if value > limit { value.recip() } else { 0.0 });
    let vectors = &eigen.eigenvectors;
    unscale(vectors * DMatrix::from_diagonal(&inverse) * vectors.transpose())
}

/// A matrix A of a positive semidefinite matrix V with A Aᵀ = V, and the rank of V. Eigenvalues below
/// [`SINGULAR`] times the largest count as 0.
pub(crate) fn root(matrix: &DMatrix<f64>) -> (DMatrix<f64>, usize) {
    let eigen = matrix.clone().symmetric_eigen();
    let largest = eigen.eigenvalues.max().max(0.0);
    let is_positive = |value: f64| value > largest * SINGULAR && value > 0.0;
    let roots = eigen.eigenvalues.map(|value| {
        if is_positive(value) {
            value.sqrt()
        } else {
            0.0
        }
    });
    let rank = roots.iter().filter(|root| **root > 0.0).count();
    (eigen.eigenvectors * DMatrix::from_diagonal(&roots), rank)
}
