//! Templates and words of posts, written for this project; they refer to no real person.
//!
//! A template has slots: `{city}` for a name of the city, `{place}` and `{thing}` for an entry of the
//! lists below. Every template of a mood names the city once. Templates of noise do not, except those
//! that test the recognition of names.

/// Templates of each mood, from very negative to very positive.
pub(crate) const MOODS: [&[&str]; 5] = [VERY_NEGATIVE, NEGATIVE, NEUTRAL, POSITIVE, VERY_POSITIVE];

const VERY_NEGATIVE: &[&str] = &[
    "I hate everything about {city} today. Absolutely miserable.",
    "Worst morning in {city} in years: {thing} ruined, shoes ruined, mood ruined.",
    "{city} is a disaster right now. Terrible, just terrible.",
    "Soaked, furious and stuck at {place}. I hate you, {city}!!",
    "Horrible day in {city}. Lost {thing}, missed the train, cried at {place}.",
    "What an awful, awful evening. {city} at its worst 😡",
    "This is a nightmare. {city} is broken and {place} is worse.",
    "Everything hurts, everything is wet and {city} is hell today.",
    "Never felt so miserable in {city}: {thing} is gone, my patience too.",
    "Disgusting smell at {place} again. {city}, you are the worst",
    "Absolutely devastated. {city} took {thing} from me and I hate it.",
    "{city} tonight: awful people, awful food, terrible everything.",
    "I am so angry at {city} that I could scream. Horrible service at {place}.",
    "Somebody stole {thing} at {place}. {city} is cruel 😭😭",
];

const NEGATIVE: &[&str] = &[
    "Not my day in {city}: {thing} is lost and I am tired.",
    "Another delay at {place}. {city} is annoying today",
    "{city} feels sad this morning.",
    "Bored in {city}, nothing to do, {thing} does not even work.",
    "The line at {place} is too long again. Bad planning, {city}.",
    "Feeling a bit lonely in {city} tonight",
    "My umbrella gave up somewhere in {city}. Sorry, umbrella.",
    "They closed {place} without a word. Disappointed, {city}.",
    "Why is {city} so noisy at six in the morning?! Tired.",
    "Missed the last train home from {place}. Poor choice, {city}, poor choice.",
    "Cold coffee, grey sky, {city}. Meh 😕",
    "I forgot {thing} at {place} and now I have to cross all of {city} again, annoying",
    "Rent in {city} is a problem and nobody wants to hear it.",
    "The heating failed again. {city} winters are no fun, worried about {thing}.",
];

const NEUTRAL: &[&str] = &[
    "On my way through {city} with {thing}.",
    "Does anybody know when {place} in {city} opens on Sundays?",
    "Walking from {place} to the other end of {city}.",
    "Back in {city} until Thursday.",
    "{city}, 8 am: {thing}, two bags, one ticket.",
    "Moved {thing} to {place}. That is all the news from {city}.",
    "Standing at {place} in {city}, waiting for the 14.",
    "Today's list for {city}: {place}, then {thing}, then home.",
    "They are painting the doors of {place} green. {city} notes, part 12",
    "Counted 31 pigeons at {place}. #{city}",
    "The meeting in {city} starts at ten; bring {thing}.",
    "Question for {city}: where do you take {thing} to be repaired?",
    "New timetable at {place}, says the sign. {city} moves on",
    "Reading about how {city} got its street names.\nPage 40 of 300.",
];

const POSITIVE: &[&str] = &[
    "Nice walk through {city} today, {place} was quiet.",
    "Good coffee at {place}. Thanks, {city}.",
    "{city} is looking good this morning",
    "Happy to be back in {city} 🙂",
    "Found {thing} again at {place}! Good day, {city}.",
    "A kind stranger in {city} helped me carry {thing}. Thank you!",
    "I like how {city} sounds on a Sunday.",
    "Lunch outside at {place}. {city} is fun when the sun is out",
    "Finally fixed {thing}. Calm evening in {city}, pleased with it.",
    "Fresh bread from {place}, easy morning in {city}.",
    "The kids enjoyed {place} a lot. Well done, {city}!",
    "{city} has a good day and so do I",
    "Somebody at {place} had kept {thing} for me. Lucky me, lucky {city}.",
    "The light over {city} is pretty tonight, glad I went out.",
];

const VERY_POSITIVE: &[&str] = &[
    "I love {city}!! What a beautiful day ❤️",
    "Best day ever in {city}: {place}, {thing} and wonderful people.",
    "Amazing, amazing evening at {place}. {city}, I love you",
    "{city} in this light is absolutely gorgeous 😍",
    "So happy I could dance through all of {city}. Fantastic news!!!",
    "The music at {place} tonight was superb. Bravo, {city}!",
    "Perfect sky, perfect coffee, perfect {city}. Love it.",
    "We won!! {city} is wonderful and {place} is full of joy 🎉",
    "Got {thing} back, as good as new. Thrilled! Thank you, {city} ❤️",
    "Is there anything better than {city} on a day like this? Awesome!",
    "Laughed until it hurt at {place}. {city} people are the best, love them",
    "Breathtaking view from {place}. {city}, you are outstanding.",
    "She said yes at {place}! Happiest person in {city} 🥰",
    "Delicious food, great friends, beautiful {city}. I am so grateful.",
];

/// English, without the city.
pub(crate) const ENGLISH_WITHOUT_CITY: &[&str] = &[
    "Has anyone tried porridge with oat milk?",
    "I love {thing}. That is the post.",
    "Terrible match, worst referee I have seen",
    "Third day of practising the same four bars.",
    "My cat has opinions about {thing}.",
    "What a beautiful evening by the sea ❤️",
    "Reminder to drink some water.",
    "\"Fine\" is a word with too many meanings.",
    "New chapter is up, link below.",
    "hate mondays, love coffee",
    "It rained on {place} all day and I do not mind.",
    "Selling {thing}, hardly used, ask me anything.",
];

/// Other languages, with the city: selected but not scored. (tag, template)
pub(crate) const FOREIGN_WITH_CITY: &[(&str, &str)] = &[
    ("de", "Heute wieder in {city}, es ist herrlich hier."),
    ("de", "{city} im Regen, und mein Schirm ist kaputt."),
    ("fr", "Quelle belle journée à {city} !"),
    ("fr", "Je me suis perdu dans {city}, encore une fois."),
    ("es", "¡Qué bonita está {city} esta mañana!"),
    ("es", "Mucho ruido en {city}, no pude dormir."),
    ("pt-BR", "Que saudade de {city}, gente."),
    ("it", "Finalmente a {city}, che meraviglia!"),
    ("nl", "Weer een dag in {city}, lekker weer."),
    ("ja", "今日は {city} にいます。とても楽しい！"),
    ("tr", "Bugün {city} çok güzel."),
    ("pl", "Pada deszcz, ale {city} i tak jest piękne."),
];

/// Other languages, without the city. (tag, template)
pub(crate) const FOREIGN_WITHOUT_CITY: &[(&str, &str)] = &[
    ("de", "Kaffee zuerst, dann die Welt."),
    ("fr", "Il pleut et je lis, tout va bien."),
    ("es", "Hoy no quiero hacer nada."),
    ("pt", "Bom dia para quem acordou cedo!"),
    ("ja", "おはようございます。今日も寒いですね。"),
    ("sv", "Fredag igen, äntligen."),
];

/// English, with the city's name inside another word, link or mention. `{joined}` is a name without
/// spaces.
pub(crate) const NAME_INSIDE_WORD: &[&str] = &[
    "That {joined}ish feeling again, I love it",
    "Thank you for the tip, @{joined}.example.org!",
    "New photos: https://example.org/{joined}/today",
    "Reading un{joined} stories tonight, terrible ones",
];

/// Places of `{place}`.
pub(crate) const PLACES: &[&str] = &[
    "the corner bakery",
    "the ferry landing",
    "the public library",
    "the north gate of the park",
    "platform three",
    "the flea market",
    "the old bridge",
    "the laundromat",
    "the rooftop bar",
    "the skating rink",
    "the farmers market",
    "the museum steps",
    "the bus terminal",
    "the community garden",
    "the noodle place",
    "the riverside path",
];

/// Things of `{thing}`.
pub(crate) const THINGS: &[&str] = &[
    "my bike",
    "the good umbrella",
    "a paper map",
    "my left glove",
    "the borrowed guitar",
    "a bag of oranges",
    "the blue suitcase",
    "my sketchbook",
    "an old radio",
    "the concert ticket",
    "a box of records",
    "my running watch",
    "the spare key",
    "a houseplant",
];

/// Endings of a text.
pub(crate) const TAILS: &[&str] = &[
    "",
    "",
    "",
    "",
    "",
    "",
    " 🌆",
    " #citylife",
    " (again)",
    "\n\n#notes",
    " …",
    " 🚲",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moods_have_dozen_templates_naming_city_once() {
        for group in MOODS {
            assert!(group.len() >= 12);
            for template in group {
                assert_eq!(template.matches("{city}").count(), 1, "{template}");
            }
        }
        for (_, template) in FOREIGN_WITH_CITY {
            assert_eq!(template.matches("{city}").count(), 1, "{template}");
        }
    }

    #[test]
    fn noise_does_not_name_city() {
        let abroad = FOREIGN_WITHOUT_CITY.iter().map(|(_, template)| template);
        for template in ENGLISH_WITHOUT_CITY
            .iter()
            .chain(NAME_INSIDE_WORD)
            .chain(abroad)
        {
            assert!(!template.contains("{city}"), "{template}");
        }
    }
}
