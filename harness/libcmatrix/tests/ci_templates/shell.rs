//! As much of the shell's language as the templates' scripts use: which commands stand in a script.

/// The commands of a script, each as its words. Quotes are taken off, redirections and words of the
/// shell's own language are left out, variables stay as they are.
pub fn commands(script: &str) -> Vec<Vec<String>> {
    let mut reader = Reader::default();
    let mut text = script.chars().peekable();
    while let Some(c) = text.next() {
        match c {
            '\\' if text.peek() == Some(&'\n') => {
                text.next();
            }
            '\'' | '"' => {
                reader.in_word = true;
                reader.word.extend(text.by_ref().take_while(|&other| other != c));
            }
            '#' if !reader.in_word => while text.next_if(|&other| other != '\n').is_some() {},
            '$' if text.peek() == Some(&'(') => reader.end_command(),
            '\n' | ';' | '|' | '&' | '(' | ')' => reader.end_command(),
            '<' | '>' => {
                reader.end_word();
                reader.is_target = true;
            }
            c if c.is_whitespace() => reader.end_word(),
            c => {
                reader.in_word = true;
                reader.word.push(c);
            }
        }
    }
    reader.end_command();
    reader.commands
}

#[derive(Default)]
struct Reader {
    commands: Vec<Vec<String>>,
    words: Vec<String>,
    word: String,
    in_word: bool,
    /// The next word is where a redirection goes.
    is_target: bool,
}

impl Reader {
    fn end_word(&mut self) {
        if !std::mem::take(&mut self.in_word) {
            return;
        }
        let word = std::mem::take(&mut self.word);
        let is_syntax = self.words.is_empty()
            && matches!(word.as_str(), "{" | "}" | "!" | "if" | "then" | "else" | "do" | "while");
        if !std::mem::take(&mut self.is_target) && !is_syntax {
            self.words.push(word);
        }
    }

    fn end_command(&mut self) {
        self.end_word();
        if !self.words.is_empty() {
            self.commands.push(std::mem::take(&mut self.words));
        }
    }
}

#[test]
fn commands_are_found_where_they_may_stand() {
    let script = "\
        # libcmatrix in a comment\n\
        plan=$(a matrix . --plan github)\n\
        if [ ! -x p ]; then (cd / && b \"two words\" --root \"$X\"); fi\n\
        { c 'it; is'; d \\\n  e; } >> file || code=$?\n\
        f > out.txt g\n";
    let found: Vec<String> = commands(script).into_iter().map(|words| words.join("_")).collect();
    let expected = [
        "plan=",
        "a_matrix_._--plan_github",
        "[_!_-x_p_]",
        "cd_/",
        "b_two words_--root_$X",
        "fi",
        "c_it; is",
        "d_e",
        "code=$?",
        "f_g",
    ];
    assert_eq!(found, expected);
}
