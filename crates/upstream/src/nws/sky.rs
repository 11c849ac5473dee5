//! Cloud cover from a list of cloud layers.
//!
//! A METAR report lists layers from the ground up. Each amount is the cumulative cover up to its layer,
//! in eighths of the sky (okta): FEW 1 to 2, SCT 3 to 4, BKN 5 to 7, OVC 8; VV is a sky obscured by fog
//! or snow; CLR and SKC are a clear sky. The cover is therefore the maximum amount, each class
//! represented by its middle.
//! Source: WMO Manual on Codes (WMO-No. 306), FM 15, section 15.9.

use serde_json::Value;

/// The cover in %, if the amount of every layer is known.
pub(super) fn cover_percent(layers: &Value) -> Option<f64> {
    let layers = layers.as_array()?;
    let covers = layers
        .iter()
        .map(|layer| percent(layer["amount"].as_str()?));
    covers
        .collect::<Option<Vec<_>>>()?
        .into_iter()
        .reduce(f64::max)
}

fn percent(amount: &str) -> Option<f64> {
    let okta = match amount {
        "CLR" | "SKC" => 0.0,
        "FEW" => 1.5,
        "SCT" => 3.5,
        "BKN" => 6.0,
        "OVC" | "VV" => 8.0,
        _ => return None,
    };
    Some(okta / 8.0 * 100.0)
}
