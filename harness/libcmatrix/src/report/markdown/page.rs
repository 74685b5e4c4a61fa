//! A page that is never longer than it may be: what is added is added whole or not at all, and what was
//! left out is told at the end.

/// Kept free for the sentence about what was left out.
const ROOM_FOR_THE_END: usize = 400;

/// A page that is being written.
pub(super) struct Page {
    out: String,
    most: usize,
    left_out: usize,
}

impl Page {
    /// A page of `most` bytes; less than a few kilobytes is not kept to.
    pub(super) fn new(most: usize) -> Self {
        Self { out: String::new(), most: most.max(super::LEAST_BYTES), left_out: 0 }
    }

    /// Adds a piece that is valid by itself: paragraphs, a list, a table, a block of code.
    pub(super) fn add(&mut self, piece: &str) {
        if self.has_room_for(piece.len()) {
            self.out.push_str(piece);
        } else {
            self.left_out += 1;
        }
    }

    /// Adds pieces behind a summary that unfolds them. The summary is HTML: it must not hold text of
    /// tested programs. Of several pieces the first ones are kept.
    pub(super) fn fold(&mut self, summary: &str, pieces: impl IntoIterator<Item = String>) {
        // Blank lines around what is folded: without them Markdown would take it for HTML.
        let open = format!("<details><summary>{summary}</summary>\n\n");
        let close = "</details>\n\n";
        let mut pieces = pieces.into_iter();
        let Some(first) = pieces.next() else { return };
        if !self.has_room_for(open.len() + first.len() + close.len()) {
            self.left_out += 1 + pieces.count();
            return;
        }
        self.out.push_str(&open);
        self.out.push_str(&first);
        for piece in pieces.by_ref() {
            if !self.has_room_for(piece.len() + close.len()) {
                self.left_out += 1;
                break;
            }
            self.out.push_str(&piece);
        }
        self.out.push_str(close);
        self.left_out += pieces.count();
    }

    /// The page, with `end` where nothing was left out and with a pointer to the rest otherwise.
    pub(super) fn finish(mut self) -> String {
        if self.left_out > 0 {
            let parts = if self.left_out == 1 {
                "1 part is".into()
            } else {
                format!("{} parts are", self.left_out)
            };
            self.out.push_str(&format!(
                "> **{parts} left out here**, so that this page stays below {} bytes. All of it is in the \
                 run's `run.json`; `libcmatrix report` shows it.\n",
                self.most
            ));
        }
        self.out
    }

    fn has_room_for(&self, bytes: usize) -> bool {
        self.out.len() + bytes + ROOM_FOR_THE_END <= self.most
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_does_not_fit_is_told_of() {
        let mut page = Page::new(0);
        page.add("begin\n\n");
        page.fold("three", vec!["x".repeat(3_000), "y".repeat(3_000), "z\n".into()]);
        page.add("end\n\n");
        let text = page.finish();
        assert!(text.contains("</details>\n\nend\n\n> **2 parts are left out here**"), "{text}");
        assert!(text.contains("xxx") && !text.contains("yyy"), "{text}");
    }

    proptest! {
        #[test]
        fn never_above_the_limit_and_always_balanced(
            most in 0usize..20_000,
            sizes in prop::collection::vec((0usize..6_000, 0usize..4), 0..20),
        ) {
            let mut page = Page::new(most);
            for (size, folded) in sizes {
                let piece = "p".repeat(size);
                match folded {
                    0 => page.add(&piece),
                    n => page.fold("s", vec![piece; n]),
                }
            }
            let text = page.finish();
            prop_assert!(text.len() <= most.max(super::super::LEAST_BYTES));
            prop_assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        }
    }
}
