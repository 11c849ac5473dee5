//! Valid and invalid model folders. No test loads a model.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::{LabelMap, Languages};

use moodvane_model::ErrorChain;

const CONFIG: &str = r#"{"model_type":"bert","max_position_embeddings":64,
    "id2label":{"0":"NEG","1":"NEU","2":"POS"}}"#;

struct TestFolder(TempDir);

impl TestFolder {
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

    fn remove(&self, name: &str) {
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
        ErrorChain(&self.open().unwrap_err()).to_string()
    }
}

#[test]
fn opens_folder_and_reads_tokenizer_settings() {
    let model = TestFolder::new();
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
fn requires_files_of_architecture() {
    let cases = [
        ("distilbert", &["vocab.txt"][..]),
        ("roberta", &["vocab.json", "merges.txt"]),
        ("xlm-roberta", &["sentencepiece.bpe.model"]),
    ];
    for (name, files) in cases {
        let model = TestFolder::new();
        model.put(
            "config.json",
            &CONFIG
                .replace("\"bert\"", &format!("\"{name}\""))
                .replace("64", "66"),
        );
        if name != "distilbert" {
            model.remove("vocab.txt");
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
fn rejects_missing_and_invalid_files() {
    type Change = fn(&TestFolder);
    let cases: [(Change, &str); 9] = [
        (|m| m.remove("config.json"), "config.json"),
        (|m| m.put("config.json", "{"), "config.json: EOF"),
        (|m| m.put("config.json", "{}"), "missing field `model_type`"),
        (
            |m| m.put("config.json", &CONFIG.replace("bert", "gpt2")),
            "\"gpt2\" must be bert, distilbert",
        ),
        (
            |m| m.put("config.json", &CONFIG.replace("64", "32")),
            "max_tokens is 64, and the model supports at most 32",
        ),
        (
            |m| m.put("config.json", &CONFIG.replace(",\"2\":\"POS\"", "")),
            "the model has 2 labels (NEG, NEU), and sentiment.bert.labels has 3",
        ),
        (
            |m| m.put("config.json", &CONFIG.replace("\"1\"", "\"7\"")),
            "id2label must name every label",
        ),
        (|m| m.remove("vocab.txt"), "vocab.txt"),
        (
            |m| m.remove("rust_model.ot"),
            "has no weights: rust_model.ot or model.safetensors",
        ),
    ];
    for (change, expected) in cases {
        let model = TestFolder::new();
        change(&model);
        assert!(
            model.error().contains(expected),
            "{}: {expected}",
            model.error()
        );
    }
}

#[test]
fn rejects_files_over_limit() {
    let model = TestFolder::new();
    let file = File::create(model.0.path().join("vocab.txt")).unwrap();
    file.set_len(MAX_VOCABULARY + 1).unwrap();
    assert!(
        model
            .error()
            .contains("vocab.txt has 67108865 bytes, more than 67108864"),
        "{}",
        model.error()
    );
    let model = TestFolder::new();
    model.put("config.json", &" ".repeat(MAX_JSON as usize + 1));
    assert!(
        model.error().contains("config.json has"),
        "{}",
        model.error()
    );
}

#[test]
fn fingerprint_depends_on_files_labels_and_tokens() {
    let model = TestFolder::new();
    let fingerprint = |config: &BertConfig| {
        let folder = ModelFolder::open(config).unwrap();
        folder.fingerprint(config).unwrap()
    };
    let first = fingerprint(&model.config());
    assert_eq!(fingerprint(&model.config()), first);
    assert!(first.len() <= 48 && first.starts_with("bert-2-"), "{first}");
    let labels = LabelMap::parse(&["positive", "neutral", "negative"]).unwrap();
    assert_ne!(
        fingerprint(&BertConfig {
            labels,
            ..model.config()
        }),
        first
    );
    assert_ne!(
        fingerprint(&BertConfig {
            max_tokens: 32,
            ..model.config()
        }),
        first
    );
    assert_eq!(
        fingerprint(&BertConfig {
            batch: 1,
            threads: 4,
            ..model.config()
        }),
        first
    );
    model.put("rust_model.ot", "Weights");
    assert_ne!(fingerprint(&model.config()), first);
}
