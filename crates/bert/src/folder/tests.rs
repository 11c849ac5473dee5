//! Folders with something wrong, none of which needs a model.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::{LabelMap, Languages};

const CONFIG: &str = r#"{"model_type":"bert","max_position_embeddings":64,
    "id2label":{"0":"NEG","1":"NEU","2":"POS"}}"#;

struct Model(TempDir);

impl Model {
    fn new() -> Self {
        let model = Self(TempDir::new().unwrap());
        model.put("config.json", CONFIG);
        model.put("vocab.txt", "[PAD]\n");
        model.put("rust_model.ot", "weights");
        model
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn without(&self, name: &str) {
        fs::remove_file(self.0.path().join(name)).unwrap();
    }

    fn config(&self) -> BertConfig {
        BertConfig {
            folder: self.0.path().to_path_buf(),
            labels: LabelMap::parse(&["three"]).unwrap(),
            languages: Languages::All,
            batch: 8,
            max_tokens: 64,
            threads: 1,
        }
    }

    fn open(&self) -> Result<ModelFolder, BertError> {
        ModelFolder::open(&self.config())
    }

    fn error(&self) -> String {
        self.open().unwrap_err().to_string()
    }
}

#[test]
fn a_whole_folder_says_what_it_is() {
    let model = Model::new();
    let folder = model.open().unwrap();
    assert_eq!(folder.architecture, Architecture::Bert);
    assert!(folder.weights.ends_with("rust_model.ot") && folder.lower_case);
    model.put(
        "tokenizer_config.json",
        r#"{"do_lower_case":false,"strip_accents":true,"more":[1]}"#,
    );
    let folder = model.open().unwrap();
    assert_eq!(
        (folder.lower_case, folder.strip_accents),
        (false, Some(true))
    );
}

#[test]
fn each_architecture_has_its_files() {
    let cases = [
        ("distilbert", &["vocab.txt"][..]),
        ("roberta", &["vocab.json", "merges.txt"]),
        ("xlm-roberta", &["sentencepiece.bpe.model"]),
    ];
    for (name, files) in cases {
        let model = Model::new();
        model.put(
            "config.json",
            &CONFIG
                .replace("\"bert\"", &format!("\"{name}\""))
                .replace("64", "66"),
        );
        if name != "distilbert" {
            model.without("vocab.txt");
        }
        for file in files {
            if name != "distilbert" {
                assert!(model.error().contains(file), "{}", model.error());
            }
            model.put(file, "x");
        }
        assert!(model.open().is_ok(), "{name}: {}", model.error());
    }
}

#[test]
fn what_is_absent_or_wrong_is_named() {
    type Change = fn(&Model);
    let cases: [(Change, &str); 9] = [
        (|m| m.without("config.json"), "config.json"),
        (|m| m.put("config.json", "{"), "config.json: EOF"),
        (|m| m.put("config.json", "{}"), "missing field `model_type`"),
        (
            |m| m.put("config.json", &CONFIG.replace("bert", "gpt2")),
            "\"gpt2\" must be bert, distilbert",
        ),
        (
            |m| m.put("config.json", &CONFIG.replace("64", "32")),
            "max_tokens is 64, and the model takes at most 32",
        ),
        (
            |m| m.put("config.json", &CONFIG.replace(",\"2\":\"POS\"", "")),
            "the model has 2 labels (NEG, NEU), and sentiment.bert.labels has 3",
        ),
        (
            |m| m.put("config.json", &CONFIG.replace("\"1\"", "\"7\"")),
            "id2label must name every label",
        ),
        (|m| m.without("vocab.txt"), "vocab.txt"),
        (
            |m| m.without("rust_model.ot"),
            "has no weights: rust_model.ot or model.safetensors",
        ),
    ];
    for (change, expected) in cases {
        let model = Model::new();
        change(&model);
        assert!(
            model.error().contains(expected),
            "{}: {expected}",
            model.error()
        );
    }
}

#[test]
fn a_file_over_its_limit_is_refused() {
    let model = Model::new();
    let file = File::create(model.0.path().join("vocab.txt")).unwrap();
    file.set_len(MAX_VOCABULARY + 1).unwrap();
    assert!(
        model
            .error()
            .contains("vocab.txt has 67108865 bytes, more than 67108864"),
        "{}",
        model.error()
    );
    let model = Model::new();
    model.put("config.json", &" ".repeat(MAX_JSON as usize + 1));
    assert!(
        model.error().contains("config.json has"),
        "{}",
        model.error()
    );
}

#[test]
fn the_fingerprint_follows_all_that_answers_depend_on() {
    let model = Model::new();
    let of = |config: &BertConfig| {
        let folder = ModelFolder::open(config).unwrap();
        folder.fingerprint(config).unwrap()
    };
    let first = of(&model.config());
    assert_eq!(of(&model.config()), first);
    assert!(first.len() <= 48 && first.starts_with("bert-1-"), "{first}");
    let labels = LabelMap::parse(&["positive", "neutral", "negative"]).unwrap();
    assert_ne!(
        of(&BertConfig {
            labels,
            ..model.config()
        }),
        first
    );
    assert_ne!(
        of(&BertConfig {
            max_tokens: 32,
            ..model.config()
        }),
        first
    );
    assert_eq!(
        of(&BertConfig {
            batch: 1,
            threads: 4,
            ..model.config()
        }),
        first
    );
    model.put("rust_model.ot", "Weights");
    assert_ne!(of(&model.config()), first);
}
