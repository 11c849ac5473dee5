//! The data files of the lexicon scorer: AFINN's two files and our own list.

/// AFINN-en-165, unchanged.
pub(crate) const AFINN: &str = include_str!("../../data/afinn-165.tsv");
/// AFINN-emoticon-8, unchanged.
pub(crate) const AFINN_EMOTICONS: &str = include_str!("../../data/afinn-emoticon-8.tsv");

/// Our own list: `kind<TAB>text<TAB>number` lines. The number is 0 for a *negator* and a *turn*, a
/// percentage for a *scale*, and a valence for a *word* (or phrase), an *emoticon* and an *emoji*.
/// Words have the form that the tokeniser produces: lower case, without apostrophes.
pub(crate) const OWN: &str = include_str!("../../data/own.tsv");

/// The calibration of the scorer, by `train --calibrate-lexicon`.
pub(crate) const CALIBRATION: &str = include_str!("../../data/lexicon.calibration");

/// One AFINN point in hundredths, the unit of all sums.
pub(crate) const POINT: i16 = 100;

/// The entries of a file of `text<TAB>valence` lines.
pub(crate) fn lines(file: &'static str) -> impl Iterator<Item = (&'static str, i16)> {
    file.lines().filter_map(|line| {
        let (text, valence) = line.split_once('\t')?;
        Some((text, valence.parse::<i16>().ok()? * POINT))
    })
}

/// The entries of one kind of our own list.
pub(crate) fn own(kind: &'static str) -> impl Iterator<Item = (&'static str, i16)> {
    OWN.lines().filter_map(move |line| {
        let (text, number) = line
            .strip_prefix(kind)?
            .strip_prefix('\t')?
            .split_once('\t')?;
        Some((text, number.parse().ok()?))
    })
}
