//! Reading of table records and resuming from their positions.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Cursor;

use csv::StringRecord;
use moodvane_model::ErrorChain;
use moodvane_upstream::table::{Record, RecordPosition, RecordReader, TableError, TableKind};
use moodvane_upstream::{DropReason, RawMessage};
use proptest::prelude::*;

fn reader(kind: TableKind, file: &[u8]) -> RecordReader<Cursor<Vec<u8>>> {
    RecordReader::new(Cursor::new(file.to_vec()), kind).unwrap()
}

fn rest(reader: &mut RecordReader<Cursor<Vec<u8>>>) -> Vec<Record> {
    std::iter::from_fn(|| reader.next_record().unwrap()).collect()
}

fn records(kind: TableKind, file: &[u8]) -> Vec<Record> {
    rest(&mut reader(kind, file))
}

fn fields(fields: &[&str]) -> Result<RawMessage, DropReason> {
    Ok(RawMessage::Fields(fields.to_vec().into()))
}

fn position(byte: u64, lines: u64) -> RecordPosition {
    RecordPosition { byte, lines }
}

fn text(text: &str) -> Result<RawMessage, DropReason> {
    Ok(RawMessage::Text(text.to_owned()))
}

#[test]
fn reads_records_and_positions_of_each_kind() {
    for (kind, file, expected) in [
        (
            TableKind::Tsv,
            "a\tb\n1\t\"x\n\t\n2\ty",
            vec![
                (fields(&["1", "\"x"]), 9),
                (fields(&["", ""]), 11),
                (fields(&["2", "y"]), 14),
            ],
        ),
        (
            TableKind::Tsv,
            "\u{feff}a\tb\r\n1\tx\r\n\r\n\n2\ty\r\n",
            vec![(fields(&["1", "x"]), 13), (fields(&["2", "y"]), 21)],
        ),
        (
            TableKind::Csv,
            "a,b\n1,\"x, \"\"y\"\"\nz\"\n\"\",\n\"a\"b,c\"d\n",
            vec![
                (fields(&["1", "x, \"y\"\nz"]), 19),
                (fields(&["", ""]), 23),
                (fields(&["ab", "c\"d"]), 32),
            ],
        ),
        (
            TableKind::Csv,
            "a,b\r\n\"é,\r\n\",2\r\n",
            vec![(fields(&["é,\r\n", "2"]), 16)],
        ),
        (
            TableKind::Jsonl,
            "\u{feff}{\"a\":1}\n\n {}\r\n",
            vec![(text("{\"a\":1}"), 11), (text(" {}"), 17)],
        ),
        (TableKind::Jsonl, "", vec![]),
        (TableKind::Tsv, "a\tb", vec![]),
    ] {
        let found: Vec<_> = records(kind, file.as_bytes())
            .into_iter()
            .map(|record| (record.content, record.next_position.byte))
            .collect();
        assert_eq!(found, expected, "{kind}: {file:?}");
    }
}

#[test]
fn trims_header() {
    for (kind, file, first) in [
        (TableKind::Tsv, "\u{feff}id\t text \r\n", 14),
        (TableKind::Csv, "\n\"id\",\"text\"\n1,2\n", 13),
    ] {
        let reader = reader(kind, file.as_bytes());
        assert_eq!(
            reader.header(),
            Some(&StringRecord::from(vec!["id", "text"]))
        );
        assert_eq!(reader.position().byte, first);
    }
    assert_eq!(reader(TableKind::Jsonl, b"{}").header(), None);
}

#[test]
fn rejects_invalid_header() {
    for (file, says) in [
        (&b""[..], "empty"),
        (b"\n\n", "empty"),
        (b"a,\xff\n", "UTF-8"),
        (b"a,\"b\n", "not closed"),
        (b"0123456789,0123456789\n", "the limit is 16"),
    ] {
        let refused = RecordReader::with_limit(file, TableKind::Csv, 16)
            .err()
            .unwrap();
        let is_header_error = matches!(refused, TableError::Empty | TableError::Header(_));
        assert!(is_header_error, "{refused}");
        assert!(
            ErrorChain(&refused).to_string().contains(says),
            "{says} in {refused}"
        );
    }
}

#[test]
fn skips_record_over_limit() {
    let limit = 8;
    for (line, fits) in [
        ("1234567\n", true),
        ("12345678\n", false),
        ("12345678", true),
    ] {
        let file = format!("a\n{line}");
        let input = Cursor::new(file.clone().into_bytes());
        let mut reader = RecordReader::with_limit(input, TableKind::Tsv, limit).unwrap();
        let found = rest(&mut reader);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].content.is_ok(), fits, "{line:?}");
        assert_eq!(found[0].next_position.byte, file.len() as u64);
    }
    let file = b"a\n1234567890123\nok\n";
    let mut reader =
        RecordReader::with_limit(Cursor::new(file.to_vec()), TableKind::Tsv, 8).unwrap();
    let found = rest(&mut reader);
    let too_long = DropReason::RecordTooLong { len: 14, limit: 8 };
    assert_eq!(
        found[0],
        Record {
            content: Err(too_long),
            line: 2,
            next_position: position(16, 2),
        }
    );
    assert_eq!(
        found[1],
        Record {
            content: fields(&["ok"]),
            line: 3,
            next_position: position(19, 3),
        }
    );
}

#[test]
fn numbers_lines_of_records_across_blank_and_quoted_line_ends() {
    let file = b"a,b\n\n1,x\n2,\"y\n\nz\"\r\n\n3,w";
    let lines: Vec<u64> = records(TableKind::Csv, file)
        .iter()
        .map(|record| record.line)
        .collect();
    assert_eq!(lines, [3, 4, 8]);
}

#[test]
fn bounds_loss_by_stray_quote() {
    let file = format!("a,b\n1,\"x\n{}2,y\n", "3,z\n".repeat(8));
    let input = Cursor::new(file.into_bytes());
    let mut reader = RecordReader::with_limit(input, TableKind::Csv, 16).unwrap();
    let found = rest(&mut reader);
    assert_eq!(
        found[0].content.as_ref().unwrap_err().label(),
        "record_too_long"
    );
    assert!(found[1..].iter().all(|record| record.content.is_ok()));
    assert_eq!(found.last().unwrap().content, fields(&["2", "y"]));

    let unclosed = records(TableKind::Csv, b"a,b\n1,\"x\n2,y\n");
    assert_eq!(unclosed.len(), 1);
    assert_eq!(
        unclosed[0].content.as_ref().unwrap_err().label(),
        "malformed"
    );
    assert_eq!(unclosed[0].next_position, position(13, 3));
}

#[test]
fn drops_only_record_with_invalid_utf8() {
    let found = records(TableKind::Tsv, b"a\nok\nab\xffc\nok\n");
    assert_eq!(found[1].content, Err(DropReason::NotUtf8 { at: 2 }));
    assert_eq!(found[1].next_position, position(10, 3));
    assert_eq!(found[2].content, fields(&["ok"]));
}

#[test]
fn rejects_position_after_end() {
    let mut reader = reader(TableKind::Tsv, b"a\n1\n");
    let refused = reader.seek_to(position(5, 2)).unwrap_err().to_string();
    assert_eq!(refused, "cannot resume at byte 5, the table ends at byte 4");
    reader.seek_to(position(0, 0)).unwrap();
    assert_eq!(rest(&mut reader).len(), 1);
    reader.seek_to(position(4, 2)).unwrap();
    assert_eq!(rest(&mut reader), []);
}

#[test]
fn parses_kind_names() {
    for kind in TableKind::ALL {
        assert_eq!(kind.name().parse::<TableKind>().unwrap(), kind);
    }
    insta::assert_snapshot!(
        "xls".parse::<TableKind>().unwrap_err(),
        @r#""xls" is not a kind of table, expected one of tsv, csv, jsonl"#
    );
}

/// Writes rows as CSV with the csv crate.
fn written(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).unwrap();
    }
    writer.into_inner().unwrap()
}

proptest! {
    #[test]
    fn consumes_any_bytes_without_panic(
        bytes in prop::collection::vec(
            prop_oneof![Just(b'"'), Just(b'\n'), Just(b','), Just(b'\r'), any::<u8>()], 0..200
        ),
        limit in 1_usize..40,
    ) {
        for kind in TableKind::ALL {
            let input = Cursor::new(bytes.clone());
            let Ok(mut reader) = RecordReader::with_limit(input, kind, limit) else {
                continue;
            };
            let mut last = reader.position();
            while let Some(record) = reader.next_record().unwrap() {
                prop_assert!(record.next_position > last);
                last = record.next_position;
            }
            prop_assert_eq!(reader.position().byte, bytes.len() as u64);
            let lines = bytes.split_inclusive(|b| *b == b'\n').count();
            prop_assert_eq!(reader.position().lines, lines as u64);
        }
    }

    #[test]
    fn resumes_from_any_record(
        bytes in prop::collection::vec(
            prop_oneof![Just(b'"'), Just(b'\n'), Just(b','), any::<u8>()], 0..200
        ),
    ) {
        let file = [b"a,b\n", &bytes[..]].concat();
        for kind in TableKind::ALL {
            let mut whole = reader(kind, &file);
            let all = rest(&mut whole);
            for (i, record) in all.iter().enumerate() {
                whole.seek_to(record.next_position).unwrap();
                prop_assert_eq!(&rest(&mut whole), &all[i + 1..]);
            }
        }
    }

    #[test]
    fn round_trips_csv(
        rows in prop::collection::vec(prop::collection::vec("[a-z\",\r\n é]{0,6}", 3), 1..6)
    ) {
        let header = vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let file = written(&[vec![header], rows.clone()].concat());
        let found: Vec<_> = records(TableKind::Csv, &file).into_iter().map(|r| r.content).collect();
        let expected: Vec<_> = rows.into_iter().map(|row| Ok(RawMessage::Fields(row.into()))).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn round_trips_tsv(
        rows in prop::collection::vec(prop::collection::vec("[a-z\", é]{1,6}", 3), 0..6)
    ) {
        let lines: String = rows.iter().map(|row| row.join("\t") + "\n").collect();
        let file = format!("a\tb\tc\n{lines}");
        let found: Vec<_> =
            records(TableKind::Tsv, file.as_bytes()).into_iter().map(|r| r.content).collect();
        let expected: Vec<_> = rows.into_iter().map(|row| Ok(RawMessage::Fields(row.into()))).collect();
        prop_assert_eq!(found, expected);
    }
}
