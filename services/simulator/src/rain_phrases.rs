//! Templates of posts that speak of the rain, written for this project, and which other templates speak of
//! the weather.
//!
//! In a world whose moods have planted effects, exactly the posts drawn as weather talk speak of the
//! weather, as `crates/weather-talk` detects it; a test checks every template.

/// Templates of each mood, from very negative to very positive. Every template names the city once.
pub(crate) const RAIN_TALK: [&[&str]; 5] =
    [VERY_NEGATIVE, NEGATIVE, NEUTRAL, POSITIVE, VERY_POSITIVE];

const VERY_NEGATIVE: &[&str] = &[
    "It is raining in {city} again and I hate it. Absolutely miserable.",
    "Horrible, horrible rain in {city}. Soaked to the bone and furious.",
    "The worst downpour {city} has seen, {thing} is ruined. Terrible day",
    "Terrible weather in {city}: I hate this endless rain 😡",
    "So much rain in {city}. Everything is awful and I am miserable.",
    "Awful rainy evening in {city}, cried at {place}. I hate this.",
];

const NEGATIVE: &[&str] = &[
    "Rain again in {city}. Tired of it.",
    "It will not stop raining in {city}, annoying",
    "Got wet in the rain at {place}. Not my day, {city}.",
    "Another rainy day in {city}, bored and a bit sad.",
    "The rain in {city} makes {thing} useless. Disappointed.",
    "Stuck at {place} because of the rain, bad luck. {city} 😕",
];

const NEUTRAL: &[&str] = &[
    "It is raining in {city}.",
    "Rain over {city} since this morning, says the forecast.",
    "Waiting at {place} in {city} until the rain stops.",
    "The forecast for {city}: rain until ten.",
    "Light rain in {city}, walking to {place}.",
    "How long will it rain in {city} today?",
];

const POSITIVE: &[&str] = &[
    "I like the sound of the rain in {city}.",
    "A quiet rainy morning in {city}, good coffee at {place}.",
    "The rain in {city} is nice today 🙂",
    "Good day for a walk in the rain, {city}.",
    "Happy that it is raining in {city}, the plants needed it.",
    "Dancing in the rain at {place}, fun evening in {city}.",
];

const VERY_POSITIVE: &[&str] = &[
    "I love the rain in {city}!! Beautiful ❤️",
    "Best rainy day ever in {city}, love it",
    "It is raining in {city} and I am so happy, absolutely wonderful!",
    "Amazing rain over {city} tonight, gorgeous and fresh 😍",
    "Love this rainy weather in {city}. Perfect!",
    "Wonderful summer rain in {city}, so grateful for it.",
];

/// The templates of [`MOODS`](crate::phrases::MOODS) that speak of the weather, or could be read so.
pub(crate) const WEATHER_TEMPLATES: &[&str] = &[
    "Soaked, furious and stuck at {place}. I hate you, {city}!!",
    "Everything hurts, everything is wet and {city} is hell today.",
    "My umbrella gave up somewhere in {city}. Sorry, umbrella.",
    "Cold coffee, grey sky, {city}. Meh 😕",
    "The heating failed again. {city} winters are no fun, worried about {thing}.",
    "Lunch outside at {place}. {city} is fun when the sun is out",
    "The light over {city} is pretty tonight, glad I went out.",
    "{city} in this light is absolutely gorgeous 😍",
    "Perfect sky, perfect coffee, perfect {city}. Love it.",
    "I love {city}!! What a beautiful day ❤️",
    "Is there anything better than {city} on a day like this? Awesome!",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phrases::{MOODS, PLACES, TAILS, THINGS};
    use moodvane_weather_talk::WeatherTalk;

    /// The texts of a template with each place, thing and ending.
    fn texts(template: &str) -> Vec<String> {
        let fill = |slot: &str, texts: Vec<String>, words: &[&str]| -> Vec<String> {
            let replace = |text: String| -> Vec<String> {
                if !text.contains(slot) {
                    return vec![text];
                }
                words.iter().map(|word| text.replace(slot, word)).collect()
            };
            texts.into_iter().flat_map(replace).collect()
        };
        let named = ["New York", "nyc"].map(|name| template.replace("{city}", name));
        let placed = fill("{place}", named.to_vec(), PLACES);
        let complete = fill("{thing}", placed, THINGS);
        let with_tails = |text: String| TAILS.iter().map(move |tail| format!("{text}{tail}"));
        complete.into_iter().flat_map(with_tails).collect()
    }

    #[test]
    fn every_rain_template_speaks_of_weather_and_names_city_once() {
        let mut talk = WeatherTalk::english();
        for template in RAIN_TALK.concat() {
            assert_eq!(template.matches("{city}").count(), 1, "{template}");
            for text in texts(template) {
                assert!(talk.mentions_weather(&text), "{text}");
            }
        }
    }

    #[test]
    fn other_templates_do_not_speak_of_weather() {
        let mut talk = WeatherTalk::english();
        for group in MOODS {
            let others = group.iter().filter(|t| !WEATHER_TEMPLATES.contains(*t));
            assert!(others.clone().count() >= 8);
            for text in others.flat_map(|template| texts(template)) {
                assert!(!talk.mentions_weather(&text), "{text}");
            }
        }
    }

    #[test]
    fn excluded_templates_exist() {
        for template in WEATHER_TEMPLATES {
            assert!(MOODS.concat().contains(template), "{template}");
        }
    }
}
