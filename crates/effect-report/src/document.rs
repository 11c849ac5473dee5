//! The report as a self-contained document.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use thiserror::Error;

use crate::figures::{Figure, FigureError, figures};
use crate::numbers::{p_text, signed};
use crate::report::EffectReport;

const MARKDOWN: &str = include_str!("../templates/report.md");
const HTML: &str = include_str!("../templates/report.html");

/// A document cannot be written.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// A figure cannot be drawn.
    #[error(transparent)]
    Figure(#[from] FigureError),
    /// The template cannot be rendered.
    #[error("cannot render the report")]
    Template(#[from] minijinja::Error),
}

/// The report as Markdown, without figures: every number is in a table.
///
/// # Errors
/// [`DocumentError::Template`] if the template cannot be rendered.
pub fn markdown(report: &EffectReport) -> Result<String, DocumentError> {
    render("report.md", MARKDOWN, report, &[])
}

/// The report as one HTML file with its figures, which loads nothing and runs no script.
///
/// # Errors
/// [`DocumentError`] if a figure cannot be drawn or the template cannot be rendered.
pub fn html(report: &EffectReport) -> Result<String, DocumentError> {
    render("report.html", HTML, report, &figures(report)?)
}

fn render(
    name: &'static str,
    template: &'static str,
    report: &EffectReport,
    figures: &[Figure],
) -> Result<String, DocumentError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    environment.set_auto_escape_callback(|name| match name.ends_with(".html") {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    environment.add_filter("signed", |value: f64| signed(value, 4));
    environment.add_filter("plain", |value: f64| value.to_string());
    environment.add_filter("p", |value: f64| p_text(value));
    environment.add_template(name, template)?;
    let report = Value::from(Serde(report));
    let figures = Value::from(Serde(figures));
    let template = environment.get_template(name)?;
    Ok(template.render(context! { report, figures })?)
}
