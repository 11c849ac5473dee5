//! Tiny models of random weights, in the folder layout of published models.

#![allow(clippy::unwrap_used, unreachable_pub, dead_code)]

use std::fs;
use std::path::Path;

use moodvane_bert::{BertConfig, LabelMap, Languages};
use rust_bert::Config;
use rust_bert::bert::BertForSequenceClassification;
use rust_bert::distilbert::DistilBertModelClassifier;
use rust_bert::roberta::RobertaForSequenceClassification;
use tch::nn::VarStore;
use tch::{Device, no_grad};
use tempfile::TempDir;

const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
const WORDS: [&str; 16] = [
    "the", "rain", "sun", "is", "good", "bad", "great", "awful", "not", "very", "today", "fine",
    "day", "a", "!", ".",
];
/// A word of the vocabulary that has no row in the embeddings.
pub const WORD_WITHOUT_EMBEDDING: &str = "beyond";

/// A model in a temporary folder.
pub struct TestModel(pub TempDir);

impl TestModel {
    /// A model of this type and number of outputs, with its weights in a file of this name.
    pub fn new(kind: &str, outputs: usize, weights: &str) -> Self {
        let model = Self(TempDir::new().unwrap());
        let words = model.write_vocabulary(kind);
        model.put("config.json", &configuration(kind, outputs, words));
        model.write_weights(kind, weights);
        model
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn put(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    pub fn config(&self, labels: &[&str]) -> BertConfig {
        BertConfig {
            folder: self.path().to_path_buf(),
            labels: LabelMap::parse(labels).unwrap(),
            languages: Languages::All,
            batch: 8,
            max_tokens: 32,
            threads: 1,
        }
    }

    /// Returns the number of rows of the embeddings. BERT's vocabulary has one word more.
    fn write_vocabulary(&self, kind: &str) -> usize {
        if kind == "roberta" {
            return self.write_bytes_vocabulary();
        }
        let letters = ('a'..='z').flat_map(|c| [c.to_string(), format!("##{c}")]);
        let mut words: Vec<String> = SPECIAL
            .iter()
            .chain(&WORDS)
            .map(|w| (*w).to_owned())
            .collect();
        words.extend(letters.filter(|letter| letter != "a"));
        let rows = words.len();
        words.push(WORD_WITHOUT_EMBEDDING.to_owned());
        self.put("vocab.txt", &(words.join("\n") + "\n"));
        rows
    }

    fn write_bytes_vocabulary(&self) -> usize {
        let mut tokens: Vec<String> = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
            .iter()
            .map(|t| (*t).to_owned())
            .collect();
        tokens.extend(('!'..='~').map(String::from));
        tokens.extend(["Ġ", "th", "the", "oo", "goo", "good"].map(str::to_owned));
        let entries: Vec<String> = tokens
            .iter()
            .enumerate()
            .map(|(id, token)| format!("{}:{id}", serde_json::to_string(token).unwrap()))
            .collect();
        self.put("vocab.json", &format!("{{{}}}", entries.join(",")));
        self.put("merges.txt", "#version: 0.2\nt h\nth e\no o\ng oo\ngoo d\n");
        tokens.len()
    }

    pub fn write_weights(&self, kind: &str, name: &str) {
        let config = self.path().join("config.json");
        tch::manual_seed(7);
        let mut store = VarStore::new(Device::Cpu);
        match kind {
            "bert" => {
                let config = rust_bert::bert::BertConfig::from_file(config);
                BertForSequenceClassification::new(store.root(), &config).unwrap();
            }
            "distilbert" => {
                let config = rust_bert::distilbert::DistilBertConfig::from_file(config);
                DistilBertModelClassifier::new(store.root(), &config).unwrap();
            }
            _ => {
                let config = rust_bert::roberta::RobertaConfig::from_file(config);
                RobertaForSequenceClassification::new(store.root(), &config).unwrap();
            }
        }
        // With weights of this size every token affects the score.
        let mut named: Vec<_> = store.variables().into_iter().collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, mut weight) in named {
            if !name.to_lowercase().contains("norm") {
                let _ = no_grad(|| weight.normal_(0.0, 0.4));
            }
        }
        store.freeze();
        store.save(self.path().join(name)).unwrap();
    }
}

fn configuration(kind: &str, outputs: usize, rows: usize) -> String {
    let labels: Vec<String> = (0..outputs)
        .map(|n| format!("\"{n}\":\"LABEL_{n}\""))
        .collect();
    let ids: Vec<String> = (0..outputs).map(|n| format!("\"LABEL_{n}\":{n}")).collect();
    let common = format!(
        "\"model_type\":\"{kind}\",\"vocab_size\":{rows},\"max_position_embeddings\":66,\"initializer_range\":0.02,
         \"id2label\":{{{}}},\"label2id\":{{{}}}",
        labels.join(","),
        ids.join(",")
    );
    let own = if kind == "distilbert" {
        "\"dim\":32,\"n_layers\":2,\"n_heads\":4,\"hidden_dim\":64,\"activation\":\"gelu\",\"dropout\":0.1,
         \"attention_dropout\":0.1,\"qa_dropout\":0.1,\"seq_classif_dropout\":0.2,\"sinusoidal_pos_embds\":false,
         \"tie_weights_\":true"
    } else {
        "\"hidden_size\":32,\"num_hidden_layers\":2,\"num_attention_heads\":4,\"intermediate_size\":64,
         \"hidden_act\":\"gelu\",\"hidden_dropout_prob\":0.1,\"attention_probs_dropout_prob\":0.1,
         \"type_vocab_size\":2,\"layer_norm_eps\":1e-12"
    };
    format!("{{{common},{own}}}")
}
