//! Bias of a scorer on kinds of neutral sentences: their mean value, which is 2.0 without bias.

use crate::Scorer;

/// Sentences written for this project that state no feeling, by kind.
pub const NEUTRAL_SENTENCES: [(&str, &[&str]); 5] = [
    (
        "weather bulletins",
        &[
            "Rain expected this afternoon, high 54F, wind NW 12 mph",
            "Current conditions: cloudy, 61°F, humidity 78%, pressure 1012 mb",
            "Tonight: showers likely, low around 45. South wind 5 to 10 mph.",
            "Thunderstorms possible after 3pm, chance of rain 60%",
            "Tuesday: mostly cloudy with a high near 70 #weather",
            "Wind advisory in effect until 6 PM for the coastal counties",
            "Snow 2-4 inches tonight, temperatures near 28F http://t.co/x",
            "Weather at 08:00: fog, 9 C, visibility 400 m, wind calm",
            "Flood watch issued for the river valley from Friday morning",
            "Temp 33.4F, wind 0 mph, barometer 30.12 in, rain today 0.04 in",
            "Forecast for tomorrow: light rain in the morning, dry by noon",
            "Hurricane watch extended to the southern islands, next update at 11 am",
            "Severe thunderstorm warning for the county until 9:15 pm",
            "Low 18, high 31, flurries before midnight, wind from the north",
            "Heat index up to 102 on Saturday afternoon, humid, light wind",
        ],
    ),
    (
        "sentences with a negator",
        &[
            "The store is not open on Sundays",
            "This bus does not stop at the station",
            "There are no classes on Monday",
            "I haven't seen the new episode yet",
            "You don't need a ticket for the upper floor",
            "The library isn't on this street, it is on the next one",
            "No parking on the left side between 8 and 10",
            "We won't be in the office on Friday",
            "He doesn't work here, he works on the third floor",
            "Not on the list: numbers 4, 7 and 12",
            "She didn't take the train, she took the bus",
            "The form never had a second page",
            "Neither of the two roads goes through the town",
            "I can't remember which day the market is",
            "The meeting is on Tuesday, not on Wednesday",
        ],
    ),
    (
        "news",
        &[
            "City council votes on new bus lanes on Thursday",
            "Police close Main Street for two hours on Saturday morning",
            "Company reports third-quarter revenue of 2.1 billion dollars",
            "Parliament debates the budget for next year http://t.co/x",
            "Mayor names new head of the water department",
            "Court hears arguments in case on school districts",
            "Unemployment rate at 5.1 percent in October, agency says",
            "Two candidates meet for second debate on Tuesday night",
            "Study: average commute in the region is now 31 minutes",
            "Airline moves its flights to the second terminal from March",
            "Central bank leaves interest rate at 0.5 percent",
            "Firefighters called to a warehouse on the east side",
            "Minister travels to Geneva for talks on trade",
            "Strike of train drivers: what passengers need to know",
            "Census: town has 41,200 residents, 300 more than in 2010",
        ],
    ),
    (
        "adverts",
        &[
            "Now hiring: part-time cashier in Springfield. Apply here http://t.co/x #jobs",
            "2 bedroom apartment for rent on Oak Street, 900 a month, call 555-0142",
            "Check out this listing: blue bicycle, size M http://t.co/x",
            "New post on our blog: how to clean a coffee machine http://t.co/x",
            "Used laptop for sale, 8 GB, 250 dollars, pick up only",
            "Our online shop now ships to Canada http://t.co/x",
            "Doors open at 7pm, tickets at the box office or online",
            "Registration for the spring course is open until 12 March",
            "Order by noon and we ship the same day http://t.co/x",
            "Open house on Sunday from 2 to 4 at 18 Elm Street #realestate",
            "Download the app to see the timetable on your phone",
            "Lunch menu today: tomato soup, pasta, apple cake",
            "Follow us for updates on new products and opening hours",
            "Webinar on Thursday: tax forms for small companies, sign up here",
            "Shoes from 29.99 in all sizes, in store and online #ad",
        ],
    ),
    (
        "plain statements",
        &[
            "I am on the bus to work",
            "The meeting starts at ten",
            "My sister works in the next town",
            "we are having soup for dinner",
            "There are four chairs in the kitchen",
            "just got home",
            "reading the paper before work",
            "@user I will call you after six",
            "The train leaves from platform two",
            "It is 8 o'clock and I am at the office",
            "my brother is watching the game",
            "What time does the library close?",
            "He put the letters on the table",
            "going to the shop for milk and bread",
            "The next stop is the town hall",
        ],
    ),
];

/// The mean value of a scorer on a kind of neutral sentences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NeutralMean {
    /// The kind.
    pub kind: &'static str,
    /// The mean value, in classes: 2.0 is neutral.
    pub mean: f64,
    /// The number of sentences in the class negative or very negative.
    pub negative: usize,
    /// The number of sentences.
    pub count: usize,
}

/// The means of [`NEUTRAL_SENTENCES`], in their order.
#[must_use]
pub fn neutral_means(scorer: &mut dyn Scorer) -> Vec<NeutralMean> {
    let mean = |(kind, sentences): &(&'static str, &[&str])| {
        let scores: Vec<_> = sentences.iter().map(|text| scorer.score(text)).collect();
        let sum: f64 = scores.iter().map(|score| score.value()).sum();
        NeutralMean {
            kind,
            mean: sum / scores.len() as f64,
            negative: scores.iter().filter(|s| s.sentiment.class() < 2).count(),
            count: scores.len(),
        }
    };
    NEUTRAL_SENTENCES.iter().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DecisionRule, TrainedScorer};

    fn means(rule: DecisionRule) -> Vec<NeutralMean> {
        neutral_means(&mut TrainedScorer::english(rule).unwrap())
    }

    /// The model card lists the means. Retrained weights with larger biases must fail here.
    #[test]
    fn means_stay_within_bounds_of_model_card() {
        for mean in means(DecisionRule::Mean) {
            assert!((mean.mean - 2.0).abs() <= 0.10, "{mean:?}");
            assert!(mean.negative <= 1, "{mean:?}");
        }
    }

    /// The rule for single posts calls few neutral sentences negative.
    #[test]
    fn recall_rule_finds_few_negative() {
        for mean in means(DecisionRule::Recall) {
            assert!(mean.negative <= 2, "{mean:?}");
        }
    }
}
