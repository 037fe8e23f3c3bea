//! What is said to somebody: text, what can be clicked below it, and files.

use poise::CreateReply;
use serenity::all::{
    CreateActionRow, CreateAllowedMentions, CreateAttachment, CreateInteractionResponseFollowup,
    CreateInteractionResponseMessage, CreateMessage, EditAttachments, EditInteractionResponse,
};

/// Never pings anybody.
#[derive(Debug, Clone, Default)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) rows: Vec<CreateActionRow>,
    pub(super) files: Vec<CreateAttachment>,
}

impl Answer {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub(super) fn with_rows(mut self, rows: Vec<CreateActionRow>) -> Self {
        self.rows = rows;
        self
    }

    pub(super) fn with_files(mut self, files: Vec<CreateAttachment>) -> Self {
        self.files = files;
        self
    }

    /// Under a message, without a ping.
    pub(super) fn message(self) -> CreateMessage {
        CreateMessage::new()
            .content(fitting(self.text))
            .components(self.rows)
            .files(self.files)
            .allowed_mentions(CreateAllowedMentions::new())
    }

    /// In place of what stood there.
    pub(super) fn edit(self) -> EditInteractionResponse {
        let files = self.files.into_iter().fold(EditAttachments::new(), EditAttachments::add);
        EditInteractionResponse::new()
            .content(fitting(self.text))
            .components(self.rows)
            .attachments(files)
            .allowed_mentions(CreateAllowedMentions::new())
    }

    /// For the one who clicked.
    pub(super) fn whisper(self) -> CreateInteractionResponseMessage {
        CreateInteractionResponseMessage::new()
            .content(fitting(self.text))
            .components(self.rows)
            .files(self.files)
            .ephemeral(true)
            .allowed_mentions(CreateAllowedMentions::new())
    }

    /// The same after the click was taken.
    pub(super) fn followup(self) -> CreateInteractionResponseFollowup {
        CreateInteractionResponseFollowup::new()
            .content(fitting(self.text))
            .components(self.rows)
            .files(self.files)
            .ephemeral(true)
            .allowed_mentions(CreateAllowedMentions::new())
    }

    /// Text and components as Discord gets them, for snapshots.
    #[cfg(test)]
    pub(super) fn shown(&self) -> String {
        use std::fmt::Write as _;

        let mut shown = self.text.clone();
        for row in &self.rows {
            let value = serde_json::to_value(row).unwrap();
            for part in value["components"].as_array().unwrap() {
                let label = part["label"].as_str().or(part["placeholder"].as_str()).unwrap_or_default();
                write!(shown, "\n[{}] {label}", part["custom_id"].as_str().unwrap_or("link")).unwrap();
                for option in part["options"].as_array().into_iter().flatten() {
                    let chosen = if option["default"] == true { "✓ " } else { "" };
                    write!(shown, "\n    {chosen}{} = {}", option["value"], option["label"]).unwrap();
                }
                for default in part["default_values"].as_array().into_iter().flatten() {
                    write!(shown, "\n    ✓ {}", default["id"]).unwrap();
                }
            }
        }
        for file in &self.files {
            write!(shown, "\n<{}: {}>", file.filename, file.description.as_deref().unwrap_or_default()).unwrap();
        }
        shown
    }
}

impl From<Answer> for CreateReply {
    fn from(answer: Answer) -> Self {
        let mut reply = Self::new().content(fitting(answer.text)).components(answer.rows).reply(true);
        for file in answer.files {
            reply = reply.attachment(file);
        }
        reply.allowed_mentions(CreateAllowedMentions::new())
    }
}

/// Characters that a message has room for.
const MESSAGE: usize = 2000;

/// Cuts what does not fit, at a line's end.
fn fitting(text: String) -> String {
    if text.chars().count() <= MESSAGE {
        return text;
    }
    let cut: String = text.chars().take(MESSAGE - 2).collect();
    let whole = cut.rfind('\n').map_or(cut.as_str(), |end| &cut[..end]);
    format!("{whole}\n…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_at_a_line() {
        assert_eq!(fitting("短い".into()), "短い");
        let long = "あいうえおかきくけこ\n".repeat(300);
        let cut = fitting(long);
        assert!(cut.chars().count() <= MESSAGE);
        assert!(cut.ends_with("こ\n…"));
        assert_eq!(fitting("x".repeat(2001)).chars().count(), 2000);
    }

    #[test]
    fn nobody_is_pinged() {
        let mentions = serde_json::json!({ "parse": [] });
        let value = serde_json::to_value(Answer::text("<@1> @everyone").message()).unwrap();
        assert_eq!(value["allowed_mentions"]["parse"], mentions["parse"]);
        assert!(value["allowed_mentions"].get("replied_user").is_none_or(serde_json::Value::is_null));
        let value = serde_json::to_value(Answer::text("<@1>").whisper()).unwrap();
        assert_eq!(value["allowed_mentions"]["parse"], mentions["parse"]);
        assert_eq!(value["flags"], 64);
    }
}
