//! Text that wants to be more than text, and records that are full of it.

use std::{collections::HashMap, sync::Mutex};

use libcmatrix_schema::RunRecord;
use proptest::prelude::*;
use serde_json::Value;

use crate::records;

/// A word that no page has by itself: in every piece of hostile text.
pub const MARK: &str = "zqx";

/// What has broken pages before, by kind.
pub const EXAMPLES: [&str; 9] = [
    "<script>window.zqx=1</script>",
    "</script><script>window.zqx=1</script>",
    "\"><img src=x onerror=window.zqx=1>",
    "' onfocus=window.zqx=1 autofocus zqx='",
    "<!--<script>zqx",
    "</title></style></textarea><svg onload=window.zqx=1>",
    "{{ zqx }} {% zqx %} ${window.zqx=1} &lt;zqx&gt;",
    "javascript:window.zqx=1//\u{2028}\u{202e}\u{0}",
    "</pre></table></noscript><base href=//zqx><link rel=stylesheet href=//zqx>",
];

/// Any of it, also put together of pieces.
pub fn text() -> impl Strategy<Value = String> {
    let piece = "(<zqx|<|>|</|script|--|<!--|\"|'|&|;|=| zqx=|zqx|\\]\\]>|\u{2028}|\u{202e}|\u{0}|\u{1b}\\[1m|\n|\\\\|`|\\{\\{|%\\}|on){1,16}";
    prop_oneof![
        prop::sample::select(EXAMPLES.to_vec()).prop_map(str::to_owned),
        piece.prop_map(|text| format!("{text}zqx")),
        any::<String>().prop_map(|text| format!("{text}<zqx>")),
    ]
}

/// A real record with `said` in place of every text that may be any text.
pub fn everywhere(name: &'static str, said: &str) -> RunRecord {
    let mut record: Value = serde_json::from_str(&records::json(name)).expect("JSON");
    for place in places(name) {
        *record.pointer_mut(&place).expect("a place") = said.into();
    }
    for leg in record["legs"].as_array_mut().expect("legs") {
        let of = serde_json::json!({ said: said });
        leg["environment"]["env"] = of.clone();
        leg["environment"]["limits_by"] = of;
    }
    record["notes"] = serde_json::json!([{ "code": said, "text": said }]);
    if record["comparison"].is_object() {
        record["comparison"]["benches_measured"] = serde_json::json!([{
            "id": said, "quantity": "bench-iteration", "baseline": [1.0], "candidate": [2.0],
            "baseline_median": 1.0, "candidate_median": 2.0, "ratio": 2.0, "shows": "too-few",
            "is_clear": false,
        }]);
    }
    if record["verdict"].is_object() {
        record["verdict"]["conditions"] = serde_json::json!([said]);
        record["verdict"]["acceptances"] = serde_json::json!([{
            "reason": said, "expires": said, "expired": true, "covers": [said], "tests": [said],
            "finding": said, "owner": said,
        }]);
    }
    serde_json::from_value(record).expect("a record")
}

/// Pointers to the texts of a record that are no names of the schema.
fn places(name: &'static str) -> Vec<String> {
    static KNOWN: Mutex<Option<HashMap<&str, Vec<String>>>> = Mutex::new(None);
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    known.get_or_insert_default().entry(name).or_insert_with(|| find(name)).clone()
}

fn find(name: &str) -> Vec<String> {
    let mut record: Value = serde_json::from_str(&records::json(name)).expect("JSON");
    let mut all = Vec::new();
    texts(&record, "", &mut all);
    all.retain(|place| {
        let text = record.pointer_mut(place).expect("a place");
        let before = std::mem::replace(text, MARK.into());
        let is_free = serde_json::from_value::<RunRecord>(record.clone()).is_ok();
        if !is_free {
            *record.pointer_mut(place).expect("a place") = before;
        }
        is_free
    });
    assert!(all.len() > 50, "most texts are free: {}", all.len());
    all
}

fn texts(value: &Value, place: &str, all: &mut Vec<String>) {
    match value {
        Value::String(_) => all.push(place.to_owned()),
        Value::Array(list) => {
            for (n, item) in list.iter().enumerate() {
                texts(item, &format!("{place}/{n}"), all);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                texts(item, &format!("{place}/{key}"), all);
            }
        }
        _ => {}
    }
}
