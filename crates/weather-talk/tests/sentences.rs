//! Invented sentences, with what the detector says of them.

#![allow(clippy::unwrap_used)]

use moodvane_weather_talk::WeatherTalk;

/// Each sentence and the term that decides; the empty term is for a sentence that is not about the weather.
const SENTENCES: &[(&str, &str)] = &[
    // Rain, snow, fog.
    ("So much rain today, my shoes are ruined", "rain today"),
    ("it is raining again", "raining"),
    ("RAINING CATS AND DOGS", "raining"),
    ("raiiiiining all day looong", "raining"),
    ("a light drizzle, nothing more", "drizzle"),
    ("It's pouring and I left the windows open", "its pouring"),
    ("Woke up to ten centimetres of snow", "snow"),
    ("first snowflakes of the year!", "snowflakes"),
    ("sleet is the worst of both worlds", "sleet"),
    ("can't see the bridge, thick fog this morning", "fog"),
    ("roads are icy, drive slowly", "icy"),
    ("hailstones as big as marbles", "hailstones"),
    // Storms.
    ("thunderstorm over the lake right now", "thunderstorm"),
    ("a storm is coming, bring the chairs in", "a storm"),
    ("power is out after the hurricane", "hurricane"),
    ("flash flood warning until nine", "flash flood warning"),
    // Sun, heat, cold, wind.
    ("sunny and quiet in the park", "sunny"),
    ("what a day of sunshine", "sunshine"),
    ("reading a book in the sun", "in the sun"),
    ("the sun is finally out", "sun is finally out"),
    ("it's sooo hot outside", "its so hot outside"),
    ("why is it so cold today", "so cold today"),
    ("another heatwave, third this year", "heatwave"),
    ("humid like a greenhouse", "humid"),
    ("it's 75° and lovely", "<deg>"),
    ("75 °F at noon", "<deg>"),
    ("-5°C when I left home", "<deg>"),
    ("feels like 90 already", "feels like <n>"),
    ("30 degrees in the shade", "<n> degrees"),
    ("highs of 64 all week", "highs of <n>"),
    ("windy enough to lose a hat", "windy"),
    ("too cold, too much wind", "wind"),
    ("Sunny again. Lovely.", "sunny"),
    ("@neighbour Rain here too", "rain"),
    ("RAIN RAIN GO AWAY", "rain"),
    ("so cold, stay warm everybody", "so cold"),
    ("Nice weather for ducks", "weather"),
    ("the forecast says otherwise", "the forecast"),
    ("☔ again", "☔"),
    // Hashtags.
    ("off to work #rain", "rain"),
    ("stuck on the bus #NYCweather", "weather"),
    ("#SnowDay and no school", "snowday"),
    ("#ilovethisweather", "weather"),
    ("#ColdOutside but worth it", "cold outside"),
    // Names, figures of speech, rooms, software.
    ("feeling under the weather, staying in bed", ""),
    ("let's brainstorm on Monday", ""),
    ("The Golden State Warriors storm back to win it", ""),
    ("Miami Heat tickets for sale", ""),
    ("the Heat beat the Knicks again", ""),
    ("Oklahoma City Thunder in six games", ""),
    ("Tampa Bay Lightning lead after two periods", ""),
    ("Carolina Hurricanes sign a goalkeeper", ""),
    ("Colorado Avalanche fans are loud", ""),
    ("Phoenix Suns lose at home", ""),
    ("the seven dwarfs and Snow White", ""),
    ("Jon Snow knows nothing", ""),
    ("a novel about the Cold War", ""),
    ("cloud computing for beginners", ""),
    ("can I take a rain check?", ""),
    ("tonight I listen to Rain by a band from Leeds", ""),
    ("her cat is called Sunny", ""),
    ("calm before the storm at the office", ""),
    ("in the heat of the moment", ""),
    ("Purple Rain is a great record", ""),
    ("a hail mary at the last second", ""),
    ("so many shower gifts for the baby", ""),
    ("here is my hot take", ""),
    ("don't wind up your brother", ""),
    ("Mayweather won on points", ""),
    ("#TeamMayweather", ""),
    ("ice cream for breakfast", ""),
    ("see you on Sun or Mon", ""),
    ("I read it in The Sun", ""),
    ("nothing new under the sun", ""),
    ("caught a bad cold from my son", ""),
    ("training all morning with my new trainers", ""),
    ("she gave me the cold shoulder", ""),
    ("turned it around 360 degrees", ""),
    ("turn it by 180°", ""),
    ("I have a seat in 12C", ""),
    ("@rainyday thanks for the follow", ""),
    ("http://example.org/weather/rain", ""),
    ("lovely dinner with friends", ""),
    ("", ""),
];

#[test]
fn decides_each_sentence_by_its_term() {
    let mut talk = WeatherTalk::english();
    let mut wrong = Vec::new();
    for (sentence, term) in SENTENCES {
        let mention = talk.explain(sentence);
        let found = mention.as_ref().map_or("", |mention| mention.term);
        let mentions_weather = talk.mentions_weather(sentence);
        if found != *term || mentions_weather == term.is_empty() {
            wrong.push(format!("{sentence}: {found:?} instead of {term:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn reports_range_in_text_as_given() {
    let mut talk = WeatherTalk::english();
    for (text, part) in [
        ("It\u{ad}  is rai\u{ad}ning!", "rai\u{ad}ning"),
        (
            "\u{ff32}\u{ff41}\u{ff49}\u{ff4e} again",
            "\u{ff32}\u{ff41}\u{ff49}\u{ff4e}",
        ),
        ("cold \u{a0} outside, brr", "cold \u{a0} outside"),
        ("stuck #NYCweather", "NYCweather"),
    ] {
        let mention = talk.explain(text).unwrap();
        assert_eq!(&text[mention.range], part);
    }
}

#[test]
fn pattern_does_not_cross_end_of_sentence() {
    let mut talk = WeatherTalk::english();
    assert!(talk.mentions_weather("it was cold today"));
    assert!(!talk.mentions_weather("The soup was cold. Today I cook myself."));
}
